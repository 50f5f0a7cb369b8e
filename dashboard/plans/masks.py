"""What is kept of a plan, and what makes two plans the same (pure).

Planning computes what it can in advance: an immutable function of the watched database may read a table and put what it
found into a condition of the plan. So a literal is kept only when the recorded statement has it too.
"""

import json
import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

MASK = "?"
DEEPEST, MOST_NODES = 250, 5_000
_NAMES = {
    "Node Type", "Parent Relationship", "Subplan Name", "Strategy", "Partial Mode", "Join Type", "Operation", "Command",
    "Scan Direction", "Index Name", "Relation Name", "Schema", "Alias", "Function Name", "Table Function Name",
    "CTE Name", "Tuplestore Name", "Sort Method", "Sort Space Type", "Custom Plan Provider", "Constraint Name",
    "Trigger Name", "Relation", "Conflict Resolution", "Conflict Arbiter Indexes", "Cache Mode", "Storage",
    "Sort Methods Used",
}  # fmt: skip
_LEFT_OUT = {"Output", "Query Identifier", "Settings", "JIT", "Remote SQL", "Window"}
_SHAPE = (
    "Node Type", "Parent Relationship", "Subplan Name", "Strategy", "Partial Mode", "Join Type", "Operation",
    "Scan Direction", "Function Name", "CTE Name",
)  # fmt: skip
_KEYS = ("Index Cond", "Hash Cond", "Merge Cond", "Recheck Cond", "TID Cond", "Sort Key", "Group Key", "Cache Key")
_LITERAL = re.compile(
    r"""
      (?P<name>"(?:[^"]|"")*"|\$\d+|(?:SubPlan|InitPlan|col)\ ?\d+)
    | (?P<string>[Ee]'(?:[^'\\]|''|\\.)*(?:'|\Z)|(?:[BbXxNn]|[Uu]&)?'(?:[^']|'')*(?:'|\Z))
    | (?P<word>[^\W\d][\w$]*)
    | (?P<number>\d[\d.]*(?:[eE][+-]?\d+)?)
    """,
    re.VERBOSE | re.DOTALL,
)
_PARTITION = re.compile(r"_\d+\Z")
Document = dict[str, Any]


class TooLargeError(ValueError):
    """A plan that is neither kept nor shown."""


def kept(document: Document, text: str) -> Document:
    """The plan without what may hold data and what nobody reads. Raises TooLargeError."""
    _measure(document["Plan"])
    known = {match[0] for match in _LITERAL.finditer(text) if match.lastgroup in {"string", "number"}}
    return {key: _masked(key, value, known) for key, value in document.items() if key not in _LEFT_OUT}


def shape_of(document: Document) -> bytes:
    """A hash of the tree: nodes, relations, indexes, join order and keys, without numbers and filters. Partitions that
    are read alike count once, so that tomorrow's partition does not make another plan.
    """
    told = json.dumps(_shape(document["Plan"], is_part=False), ensure_ascii=True)
    return blake2b(told.encode(), digest_size=16).digest()


def node_count(document: Document) -> int:
    return sum(1 for _ in _nodes(document["Plan"]))


def masked_text(text: str, known: set[str] | frozenset[str] = frozenset()) -> str:
    """An expression as the server deparses it, with every unknown literal as a question mark."""
    return _LITERAL.sub(
        lambda match: match[0] if match.lastgroup in {"name", "word"} or match[0] in known else MASK, text
    )


def _masked(key: str, value: Any, known: set[str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _masked(name, one, known) for name, one in value.items() if name not in _LEFT_OUT}
    if isinstance(value, list):
        return [_masked(key, one, known) for one in value]
    if isinstance(value, str) and key not in _NAMES:
        return masked_text(value, known)
    return value


def _measure(root: Document) -> None:
    """Level by level: what is too deep for us must not be walked by recursion."""
    level, count, depth = [root], 0, 0
    while level:
        count, depth = count + len(level), depth + 1
        if count > MOST_NODES or depth > DEEPEST:
            raise TooLargeError(f"a plan of {count} nodes or more, {depth} levels deep or more")
        level = [child for node in level for child in node.get("Plans", [])]


def _nodes(root: Document) -> Iterator[Document]:
    level = [root]
    while level:
        yield from level
        level = [child for node in level for child in node.get("Plans", [])]


def _shape(node: Document, *, is_part: bool) -> list[Any]:
    """`is_part`: below an Append, where relations are told by their alias without the number of the partition."""
    is_parent = node["Node Type"] in {"Append", "Merge Append"}
    children = [_shape(child, is_part=is_part or is_parent) for child in node.get("Plans", [])]
    if is_parent:
        children = [child for place, child in enumerate(children) if child not in children[:place]]
    return [*(node.get(name) for name in _SHAPE), *_reads(node, is_part=is_part), children]


def _reads(node: Document, *, is_part: bool) -> list[Any]:
    alias = str(node.get("Alias", ""))
    keys = [masked_text(str(node[key])) for key in _KEYS if key in node]
    if is_part and "Relation Name" in node and _PARTITION.search(alias):
        stem = _PARTITION.sub("", alias)
        return [stem, None, None, [re.sub(rf"\b{re.escape(alias)}\b", stem, key) for key in keys]]
    return [node.get("Relation Name"), node.get("Schema"), node.get("Index Name"), keys]
