"""How a plan (EXPLAIN, FORMAT JSON) reads each table, and which part of its cost that is (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MOST_NODES = 2_000


@dataclass(frozen=True)
class Scan:
    """One reading of a table in a plan; `index` None: all of the table is read. `cost_share` is of the whole plan."""

    schema: str | None
    table: str
    node: str
    index: str | None
    cost_share: float


def scans(plan: Any) -> tuple[Scan, ...]:
    """All scans of tables; a plan that is not one has none."""
    root = plan[0] if isinstance(plan, list) and plan else plan
    root = root.get("Plan", root) if isinstance(root, Mapping) else None
    if not isinstance(root, Mapping):
        return ()
    total = max(_number(root, "Total Cost"), 1e-9)
    return tuple(
        _scan(node, loops, total) for node, loops in _nodes(root) if isinstance(node.get("Relation Name"), str)
    )


def _scan(node: Mapping[str, Any], loops: float, total: float) -> Scan:
    share = min(1.0, loops * _number(node, "Total Cost") / total)
    kind, schema = str(node.get("Node Type", "")), node.get("Schema")
    return Scan(str(schema) if schema else None, str(node["Relation Name"]), kind, _index_of(node), share)


def _nodes(root: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], float]]:
    """Every node with how often it is begun: the inner side of a nested loop once for each outer row."""
    waiting = [(root, 1.0)]
    for _ in range(MOST_NODES):
        if not waiting:
            return
        node, loops = waiting.pop()
        yield node, loops
        inside = [one for one in node.get("Plans") or [] if isinstance(one, Mapping)]
        outer = _number(inside[0], "Plan Rows") if inside and node.get("Node Type") == "Nested Loop" else 1.0
        waiting += [(one, loops * (max(1.0, outer) if place else 1.0)) for place, one in enumerate(inside)]


def _index_of(node: Mapping[str, Any]) -> str | None:
    """Of an index scan itself, or of the bitmap scans below a heap scan."""
    waiting: list[Any] = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            if isinstance(one.get("Index Name"), str):
                return str(one["Index Name"])
            if str(one.get("Node Type", "")).startswith("Bitmap"):
                waiting += one.get("Plans") or []
    return None


def _number(node: Mapping[str, Any], name: str) -> float:
    value = node.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
