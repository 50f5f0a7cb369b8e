"""Revision graphs: their order, what is wrong with them, and what the moves of a database's heads say (pure)."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Tone = Literal["bad", "warn", "info"]
NAMED_AT_MOST = 8


@dataclass(frozen=True)
class Finding:
    """Something about a history that a person should know; `subject` is a revision, a file or a version table."""

    tone: Tone
    subject: str
    sentence: str


@dataclass(frozen=True)
class Node:
    """A revision as its file declares it."""

    revision: str
    down_revisions: tuple[str, ...]
    depends_on: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Graph:
    """`order` has parents before children; `parents` holds known revisions only, dependencies included."""

    order: tuple[str, ...]
    parents: Mapping[str, tuple[str, ...]]
    heads: frozenset[str]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Move:
    """A version table's heads were seen to be others: after `after`, no later than `seen_at`.

    `heads_before` is None for the first reading ever: what was there then was applied before recording began.
    """

    place: str
    after: datetime | None
    seen_at: datetime
    heads_before: tuple[str, ...] | None
    heads: tuple[str, ...]


@dataclass(frozen=True)
class Standing:
    """Whether a revision is applied and how that is known; state None: it cannot be known."""

    state: str | None
    evidence: str | None = None
    applied_after: datetime | None = None
    applied_before: datetime | None = None


def build(nodes: Sequence[Node]) -> Graph:
    """Connect revisions; the given sequence breaks ties, and of an id given twice the first counts. Never raises."""
    known = {node.revision: node for node in reversed(nodes)}
    known = {node.revision: node for node in nodes if known[node.revision] is node}
    findings = list[Finding]()
    labels = {label: node.revision for node in known.values() for label in node.labels}
    parents = {}
    for node in known.values():
        wanted = [*node.down_revisions, *(labels.get(name, name) for name in node.depends_on)]
        findings += [
            Finding("bad", node.revision, f"It follows {name}, which is in no file of the folder.")
            for name in dict.fromkeys(wanted)
            if name not in known
        ]
        parents[node.revision] = tuple(name for name in dict.fromkeys(wanted) if name in known)
    followed = {name for node in known.values() for name in node.down_revisions}
    heads = frozenset(known.keys() - followed)
    order, circle = _order(parents)
    if circle:
        findings.append(Finding("bad", circle[0], f"These revisions follow each other in a circle: {_names(circle)}."))
    if len(heads) > 1:
        findings.append(
            Finding(
                "info",
                "heads",
                f"The folder has {len(heads)} heads: {_names(sorted(heads))}. “upgrade head” needs one.",
            )
        )
    return Graph(tuple(order), parents, heads, tuple(findings))


def declared_twice(nodes: Sequence[Node]) -> list[Finding]:
    counted = Counter(node.revision for node in nodes)
    said = "More than one file declares this revision; the first one counts."
    return [Finding("bad", revision, said) for revision, number in counted.items() if number > 1]


def ancestors(graph: Graph, revisions: Iterable[str]) -> set[str]:
    """The known ones of these revisions and all that came before them."""
    found, waiting = set[str](), [name for name in revisions if name in graph.parents]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(graph.parents[name])
    return found


def own_places(graph: Graph, moves: Iterable[Move]) -> set[str]:
    """The version tables that this folder speaks about: those that ever had one of its revisions, else all."""
    places = defaultdict[str, set[str]](set)
    for move in moves:
        places[move.place].update(move.heads)
    own = {place for place, heads in places.items() if heads & graph.parents.keys()}
    return own or set(places)


def standings(graph: Graph, moves: Sequence[Move]) -> dict[str, Standing]:
    """What each revision of the folder, and each head outside of it, is after these moves (oldest first).

    A head that no file declares hides its ancestors: what was applied before stays applied, unless the table went
    back to heads that it had earlier; what was never seen applied is then unknown, not pending.
    """
    own = own_places(graph, moves)
    applied = dict[str, set[str]]()
    earlier = dict[tuple[str, frozenset[str]], set[str]]()
    since, gone, hidden = dict[str, Standing](), dict[str, Standing](), dict[str, bool]()
    for move in moves:
        outside = set(move.heads) - graph.parents.keys()
        now = ancestors(graph, move.heads) | outside
        if outside:
            now = earlier.get((move.place, frozenset(move.heads)), now | applied.get(move.place, set()))
        earlier[move.place, frozenset(move.heads)] = applied[move.place] = now
        hidden[move.place] = bool(outside) and move.place in own
        all_applied = set().union(*applied.values())
        gone |= {name: since.pop(name) for name in since.keys() - all_applied}
        evidence = "before_recording" if move.heads_before is None else "elsewhere"
        since |= {name: Standing("applied", evidence, move.after, move.seen_at) for name in all_applied - since.keys()}
    never = Standing(None if any(hidden.values()) else "pending")
    found = dict.fromkeys(graph.order, never)
    found |= {
        name: Standing("rolled_back", was.evidence, was.applied_after, was.applied_before) for name, was in gone.items()
    }
    return found | since


def heads_now(moves: Iterable[Move]) -> dict[str, tuple[str, ...]]:
    return {move.place: move.heads for move in moves}


def ahead_of_code(graph: Graph, moves: Sequence[Move]) -> list[Finding]:
    """Heads in the database that no file of the folder declares."""
    own = own_places(graph, moves)
    findings = []
    for place, heads in sorted(heads_now(moves).items()):
        outside = sorted(set(heads) - graph.parents.keys())
        if outside and place in own:
            sentence = (
                f"The database is at {_names(outside)}, which is in no file of the folder: it is ahead of this code."
            )
            findings.append(Finding("warn", place, sentence))
        elif outside:
            sentence = f"This table belongs to another history, at {_names(outside)}; the folder does not hold it."
            findings.append(Finding("info", place, sentence))
    return findings


@dataclass(frozen=True)
class Outcome:
    """What a move did, for the change lane."""

    title: str
    subject: str
    applied: list[str]
    rolled_back: list[str]


def outcome(
    before: Mapping[str, Standing], after: Mapping[str, Standing], messages: Mapping[str, str]
) -> Outcome | None:
    """The difference between two standings in words; None when nothing was applied or rolled back."""
    had, has = _applied(before), _applied(after)
    order = list(after)
    came = sorted(has - had, key=order.index)
    went = sorted(had - has, key=lambda name: order.index(name) if name in after else -1)
    if not came and not went:
        return None
    parts = [_happened(names, verb, messages) for names, verb in ((came, "applied"), (went, "rolled back")) if names]
    return Outcome(", ".join(parts), (came or went)[-1], came, went)


def _applied(standings: Mapping[str, Standing]) -> set[str]:
    return {name for name, standing in standings.items() if standing.state == "applied"}


def _happened(names: Sequence[str], verb: str, messages: Mapping[str, str]) -> str:
    if len(names) > 1:
        return (
            f"{len(names)} migrations {verb}, up to {names[-1]}"
            if verb == "applied"
            else f"{len(names)} migrations {verb}"
        )
    message = messages.get(names[0], "")
    return f"Migration {names[0]} {verb}" + (f": {message}" if message else "")


def _order(parents: Mapping[str, tuple[str, ...]]) -> tuple[list[str], list[str]]:
    """Parents before children, a branch in one piece where possible; second: the members of circles, put last."""
    children = defaultdict[str, list[str]](list)
    for name, above in parents.items():
        for parent in above:
            children[parent].append(name)
    missing = {name: len(above) for name, above in parents.items()}
    ready = [name for name in reversed(list(parents)) if not missing[name]]
    order = list[str]()
    while ready:
        name = ready.pop()
        order.append(name)
        for child in reversed(children[name]):
            missing[child] -= 1
            if not missing[child]:
                ready.append(child)
    left = [name for name in parents if missing[name]]
    return order + left, _circle(left, children)


def _circle(left: Collection[str], children: Mapping[str, list[str]]) -> list[str]:
    """Of the revisions that could not be ordered those in a circle, not those that merely follow one."""
    inside = dict.fromkeys(left)
    while ends := [name for name in inside if not any(child in inside for child in children.get(name, ()))]:
        for name in ends:
            del inside[name]
    return list(inside)


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED_AT_MOST])
    return shown if len(names) <= NAMED_AT_MOST else f"{shown} and {len(names) - NAMED_AT_MOST} more"
