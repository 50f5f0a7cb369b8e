"""A plan as PostgreSQL tells it in JSON → rows of a table: what each node does, costs and takes of the whole (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboard.plans.concerns import Concern, concerns_of
from dashboard.plans.titles import conditions_of, details_of, relation_of, title_of

_DEEPEST_BRANCH = 40


@dataclass(frozen=True)
class Node:
    """A row. Rows are for one run of the node, as the server tells them; times, costs and blocks are for all its runs
    together, `self_` without those of the nodes below. `share` is the part of the whole that the node itself took, of
    time where the plan was run and of the estimated cost otherwise. What was not measured is None.
    """

    number: int
    depth: int
    branch: str
    title: str
    kind: str
    relation: str | None
    index: str | None
    role: str | None
    rows_planned: float
    rows_actual: float | None
    runs: float | None
    width: int
    cost: float
    self_cost: float
    time_ms: float | None
    self_ms: float | None
    blocks: int | None
    share: float
    is_executed: bool
    conditions: tuple[tuple[str, str], ...] = ()
    details: tuple[str, ...] = ()
    concerns: tuple[Concern, ...] = ()

    @property
    def inside(self) -> str:
        """The lines of the tree in front of what is said below the node's own line."""
        return self.branch.replace("├ ", "│ ").replace("└ ", "  ") + "  "

    @property
    def misestimate(self) -> float | None:
        """How many times more rows came than were expected; below 1: fewer. None when it was not run."""
        if self.rows_actual is None or not self.is_executed:
            return None
        return max(self.rows_actual, 1) / max(self.rows_planned, 1)

    def json(self) -> dict[str, Any]:
        hidden = {"branch", "conditions", "concerns", "details"}
        told: dict[str, Any] = {name: value for name, value in vars(self).items() if name not in hidden}
        told["conditions"] = dict(self.conditions)
        return told | {"concerns": [concern.text for concern in self.concerns]}


@dataclass
class _Place:
    """A node on its way to a row. `runs`: how often it is planned to run; that many `processes` share its work."""

    raw: Mapping[str, Any]
    parent: int | None
    depth: int
    branch: str
    runs: float
    processes: int
    children: list[int] = field(default_factory=list)
    total: float = 0.0
    own: float = 0.0


def nodes_of(document: Mapping[str, Any]) -> list[Node]:
    """The rows of a plan, parents before children."""
    places = _places(document["Plan"])
    is_run = "Actual Loops" in document["Plan"]
    for place in places:
        place.total = _time_ms(place) if is_run else _cost(place, places)
    _subtract(places, is_run=is_run)
    whole = max(places[0].total, *(place.own for place in places), 1e-9)
    costs = places if not is_run else _costs(document["Plan"])
    return [
        _node(number, place, costs[number], share=min(1.0, place.own / whole), blocks=_blocks(place, places))
        for number, place in enumerate(places)
    ]


def text_of(nodes: Sequence[Node]) -> str:
    """The plan as text, to be copied."""
    lines: list[str] = []
    for node in nodes:
        numbers = [f"cost={node.cost:.2f} rows={node.rows_planned:.0f} width={node.width}"]
        if node.rows_actual is not None and node.time_ms is not None:
            numbers.append(f"actual rows={node.rows_actual:g} loops={node.runs:g} time={node.time_ms:.3f} ms")
        role = f"{node.role}: " if node.role else ""
        lines.append(f"{node.branch}{role}{node.title}  ({') ('.join(numbers)})")
        lines += [f"{node.inside}{name}: {text}" for name, text in node.conditions]
        lines += [f"{node.inside}{text}" for text in node.details]
    return "\n".join(lines)


def _costs(root: Mapping[str, Any]) -> list[_Place]:
    """The same nodes as if they had not been run."""
    places = _places(root)
    for place in places:
        place.total = _cost(place, places)
    _subtract(places, is_run=False)
    return places


def _places(root: Mapping[str, Any]) -> list[_Place]:
    """Depth first, without recursion: a plan may be deep."""
    places: list[_Place] = []
    waiting: list[tuple[Mapping[str, Any], int | None, str, str]] = [(root, None, "", "")]
    while waiting:
        raw, parent, branch, below = waiting.pop()
        number, above = len(places), places[parent] if parent is not None else None
        depth = above.depth + 1 if above else 0
        places.append(_Place(raw, parent, depth, branch, _runs(raw, above), _processes(above)))
        if above:
            above.children.append(number)
        children = raw.get("Plans", [])
        for place, child in reversed(list(enumerate(children))):
            is_last = place == len(children) - 1
            if depth >= _DEEPEST_BRANCH:
                waiting.append((child, number, branch, below))
            else:
                end, rest = ("└ ", "  ") if is_last else ("├ ", "│ ")
                waiting.append((child, number, below + end, below + rest))
    return places


def _runs(raw: Mapping[str, Any], above: _Place | None) -> float:
    """The inner side of a nested loop is planned to run once for each row of the outer one."""
    if above is None:
        return 1.0
    if above.raw["Node Type"] == "Nested Loop" and raw.get("Parent Relationship") == "Inner":
        outer = next((one for one in above.raw["Plans"] if one.get("Parent Relationship") == "Outer"), None)
        return above.runs * max(1.0, float(outer["Plan Rows"]) if outer else 1.0)
    return above.runs


def _processes(above: _Place | None) -> int:
    """Below a Gather the work is done by the workers that came and the leader; its loops count all of them."""
    if above is None:
        return 1
    if above.raw["Node Type"] in {"Gather", "Gather Merge"}:
        return int(above.raw.get("Workers Launched", above.raw.get("Workers Planned", 0))) + 1
    return above.processes


def _time_ms(place: _Place) -> float:
    """How long a clock on the wall saw the node at work: what is told is the mean of one loop."""
    return float(place.raw.get("Actual Total Time", 0.0)) * float(place.raw.get("Actual Loops", 0)) / place.processes


def _cost(place: _Place, places: Sequence[_Place]) -> float:
    """A LIMIT above may stop a node early, so that it never costs more than its parent."""
    total = float(place.raw["Total Cost"]) * place.runs
    return total if place.parent is None else min(total, places[place.parent].total)


def _subtract(places: Sequence[_Place], *, is_run: bool) -> None:
    """What each node took itself. A CTE runs inside of the scans that read it, not where it is told in the plan."""
    ctes = {
        str(place.raw["Subplan Name"]).removeprefix("CTE "): place.total
        for place in places
        if is_run and str(place.raw.get("Subplan Name", "")).startswith("CTE ")
    }
    scans = [place for place in places if place.raw["Node Type"] == "CTE Scan"]
    for place in places:
        below = sum(
            places[child].total
            for child in place.children
            if not (is_run and str(places[child].raw.get("Subplan Name", "")).startswith("CTE "))
        )
        if (name := place.raw.get("CTE Name")) in ctes and place in scans:
            all_scans = sum(scan.total for scan in scans if scan.raw.get("CTE Name") == name)
            below += min(ctes[str(name)], all_scans) * place.total / max(all_scans, 1e-9)
        place.own = max(0.0, place.total - below)


def _blocks(place: _Place, places: Sequence[_Place]) -> int | None:
    """Pages of tables and indexes that the node touched itself; the server tells them with those below."""
    if "Shared Hit Blocks" not in place.raw or "Actual Loops" not in place.raw:
        return None
    below = sum(_touched(places[child].raw) for child in place.children)
    return max(0, _touched(place.raw) - below)


def _touched(raw: Mapping[str, Any]) -> int:
    names = ("Shared Hit Blocks", "Shared Read Blocks", "Local Hit Blocks", "Local Read Blocks")
    return sum(int(raw.get(name, 0)) for name in names)


def _node(number: int, place: _Place, costs: _Place, *, share: float, blocks: int | None) -> Node:
    raw, is_run = place.raw, "Actual Loops" in place.raw
    return Node(
        number=number,
        depth=place.depth,
        branch=place.branch,
        title=title_of(raw),
        kind=str(raw["Node Type"]),
        relation=relation_of(raw),
        index=raw.get("Index Name"),
        role=raw.get("Subplan Name"),
        rows_planned=float(raw["Plan Rows"]),
        rows_actual=float(raw["Actual Rows"]) if is_run else None,
        runs=float(raw["Actual Loops"]) if is_run else None,
        width=int(raw["Plan Width"]),
        cost=costs.total,
        self_cost=costs.own,
        time_ms=place.total if is_run else None,
        self_ms=place.own if is_run else None,
        blocks=blocks,
        share=share,
        is_executed=not is_run or raw["Actual Loops"] > 0,
        conditions=tuple(conditions_of(raw)),
        details=tuple(details_of(raw)),
        concerns=tuple(concerns_of(raw, share)),
    )
