"""Which tables stand around a focus, and the picture of them: boxes, lines of text, arrows (pure)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.schema import layout
from dashboard.schema.rules import SchemaCount

MOST_TABLES = 60
HUB = 20
MOST_LINES = 24
MOST_CHARACTERS = 30
CHARACTER_PX = 7.3
LINE_PX = 19.0
HEAD_PX = 30.0
PADDING_PX = 24.0
NARROWEST_PX, WIDEST_PX = 120.0, 300.0
Key = tuple[str, str]


@dataclass(frozen=True)
class Reference:
    """A foreign key between two tables."""

    source: Key
    target: Key
    name: str
    columns: Sequence[str]
    target_columns: Sequence[str]


@dataclass(frozen=True)
class Line:
    """A column in a box; `text` may be cut, `full` never is."""

    name: str
    text: str
    full: str
    type: str
    is_primary: bool
    is_foreign: bool
    y: float


@dataclass(frozen=True)
class Node:
    key: Key
    text: str
    full: str
    kind: str
    lines: Sequence[Line]
    more_lines: int
    hidden_neighbours: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Edge:
    """`path` is the d of an SVG path, from the referencing to the referenced table."""

    path: str
    words: str


@dataclass(frozen=True)
class Picture:
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    width: float
    height: float


@dataclass(frozen=True)
class Table:
    """What a box shows of a table."""

    key: Key
    kind: str
    columns: Sequence[Mapping[str, Any]]
    primary: frozenset[str]


def nearest(focus: Key, pairs: Iterable[tuple[Key, Key]], degrees: Mapping[Key, int], *, most: int) -> list[Key]:
    """Neighbours of one table: what it refers to first, then what refers to it, well connected ones first."""
    pairs = list(pairs)
    out = {target for source, target in pairs if source == focus} - {focus}
    into = {source for source, target in pairs if target == focus} - out - {focus}
    ranked = [sorted(side, key=lambda key: (-degrees.get(key, 0), key)) for side in (out, into)]
    return [*ranked[0], *ranked[1]][:most]


def expandable(keys: Iterable[Key], degrees: Mapping[Key, int]) -> list[Key]:
    """Which of the neighbours may show their own neighbours: hubs would flood the picture."""
    return [key for key in keys if degrees.get(key, 0) <= HUB]


def picture(
    tables: Sequence[Table], references: Sequence[Reference], degrees: Mapping[Key, int], *, columns: str, home: str
) -> Picture:
    """Boxes of these tables and arrows between them; names of schema `home` are not qualified."""
    shown = {table.key for table in tables}
    arrows = [item for item in references if item.source in shown and item.target in shown]
    foreign: dict[Key, set[str]] = defaultdict(set)
    for item in references:
        foreign[item.source] |= set(item.columns)
    joined = Counter(key for item in arrows for key in (item.source, item.target))
    drafts = [_draft(table, foreign[table.key], columns=columns, home=home) for table in tables]
    boxes = {node.key: layout.Box(node.key, node.width, node.height) for node in drafts}
    lines = {node.key: {line.name: line.y for line in node.lines} for node in drafts}
    ports = [
        layout.Arrow(item.source, item.target, _port(lines[item.source], item.columns, 0.0),
            _port(lines[item.target], item.target_columns, 6.0 if item.source == item.target else 0.0))
        for item in arrows
    ]  # fmt: skip
    drawing = layout.draw(list(boxes.values()), ports)
    nodes = [_placed(node, drawing.places[node.key], degrees.get(node.key, 0) - joined[node.key]) for node in drafts]
    edges = [Edge(_path(route), _words(item)) for route, item in zip(drawing.routes, arrows, strict=True)]
    return Picture(nodes, edges, drawing.width, drawing.height)


def overview(schemas: Sequence[SchemaCount], links: Sequence[tuple[str, str, int]]) -> Picture:
    """One box per schema with what it holds, and how many keys lead from one to the other."""
    drafts = [_schema_box(counted) for counted in schemas[:MOST_TABLES]]
    shown = {node.key for node in drafts}
    kept = [link for link in links if {(link[0], ""), (link[1], "")} <= shown]
    boxes = [layout.Box(node.key, node.width, node.height) for node in drafts]
    middle = HEAD_PX / 2
    drawing = layout.draw(boxes, [layout.Arrow((one, ""), (other, ""), middle, middle) for one, other, _ in kept])
    nodes = [_placed(node, drawing.places[node.key], 0) for node in drafts]
    edges = [
        Edge(_path(route), f"{count} foreign keys of {one} refer to {other}")
        for route, (one, other, count) in zip(drawing.routes, kept, strict=True)
    ]
    return Picture(nodes, edges, drawing.width, drawing.height)


def _schema_box(counted: SchemaCount) -> Node:
    facts = [
        (counted.table_count, "tables"), (counted.view_count, "views"), (counted.other_count, "sequences, enums"),
        (counted.reference_count, "foreign keys"),
    ]  # fmt: skip
    lines = [
        Line(noun, noun, f"{count} {noun}", str(count), is_primary=False, is_foreign=False, y=_line_y(index))
        for index, (count, noun) in enumerate(fact for fact in facts if fact[0])
    ]
    return Node(
        key=(counted.schema, ""),
        text=cut(counted.schema),
        full=counted.schema,
        kind="schema",
        lines=lines,
        more_lines=0,
        hidden_neighbours=0,
        x=0.0,
        y=0.0,
        width=max(NARROWEST_PX, (len(cut(counted.schema)) + 4) * CHARACTER_PX + PADDING_PX, 190.0),
        height=HEAD_PX + LINE_PX * len(lines) + 6.0,
    )


def cut(text: str, most: int = MOST_CHARACTERS) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _draft(table: Table, foreign: set[str], *, columns: str, home: str) -> Node:
    schema, name = table.key
    full = name if schema == home else f"{schema}.{name}"
    chosen = [
        column
        for column in table.columns
        if columns == "all" or (columns == "keys" and (column["name"] in table.primary or column["name"] in foreign))
    ]
    lines = [_line(column, index, table, foreign) for index, column in enumerate(chosen[:MOST_LINES])]
    more = len(chosen) - len(lines)
    longest = max([len(cut(full)) + 4, *(len(line.text) + len(line.type) + 5 for line in lines)])
    rows = len(lines) + (1 if more else 0)
    return Node(
        key=table.key,
        text=cut(full),
        full=full,
        kind=table.kind,
        lines=lines,
        more_lines=more,
        hidden_neighbours=0,
        x=0.0,
        y=0.0,
        width=min(WIDEST_PX, max(NARROWEST_PX, longest * CHARACTER_PX + PADDING_PX)),
        height=HEAD_PX + rows * LINE_PX + (6.0 if rows else 0.0),
    )


def _line(column: Mapping[str, Any], index: int, table: Table, foreign: set[str]) -> Line:
    return Line(
        name=column["name"],
        text=cut(column["name"], 22),
        full=f"{column['name']} {column['type']}",
        type=cut(column["type"], 14),
        is_primary=column["name"] in table.primary,
        is_foreign=column["name"] in foreign,
        y=_line_y(index),
    )


def _line_y(index: int) -> float:
    return HEAD_PX + LINE_PX * index + LINE_PX / 2 + 3.0


def _port(lines: Mapping[str, float], columns: Sequence[str], shift: float) -> float:
    """At the first column of the key that is shown, else at the head."""
    return next((lines[column] for column in columns if column in lines), HEAD_PX / 2 + shift)


def _placed(node: Node, place: tuple[float, float], hidden: int) -> Node:
    return Node(**(vars(node) | {"x": place[0], "y": place[1], "hidden_neighbours": max(0, hidden)}))


def _path(route: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in route)


def _words(item: Reference) -> str:
    pairs = ", ".join(f"{a} → {b}" for a, b in zip(item.columns, item.target_columns, strict=False))
    return f"{'.'.join(item.source)} refers to {'.'.join(item.target)} ({pairs})"
