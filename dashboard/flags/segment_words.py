"""A segment's versions for people: its conditions in words, where words say all that differs (pure)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.flags import compare, targeting
from dashboard.flags.compare import Difference, ThreeWay
from dashboard.flags.conditions import OPERATORS, Condition, text_of

Document = Mapping[str, Any]
RULE = "who is in it"


def words_of(rule: Any) -> str | None:
    """The conditions joined by “and”; None when only JSON can say them."""
    known = targeting.conditions_of(rule)
    return " and ".join(map(_words, known)) if known else None


def differences(before: Document | None, after: Document | None) -> list[Difference]:
    old, new = _readable(before or {}, after or {})
    return compare.differences(old, new)


def three_way(base: Document | None, theirs: Document, yours: Document) -> list[ThreeWay]:
    shown, there, sent = _readable(base or {}, theirs, yours)
    return compare.three_way(shown, there, sent)


def _readable(*documents: Document) -> Sequence[Document]:
    """All of them in words, or all in JSON, where two that differ would be the same words."""
    told = [_told(document) for document in documents]
    if None in told or len(set(map(json.dumps, documents))) > len(set(map(json.dumps, told))):
        return documents
    return [document for document in told if document is not None]


def _told(document: Document) -> Document | None:
    if "rule" not in document:
        return document
    words = words_of(document["rule"])
    return None if words is None else {"description": document.get("description", ""), RULE: words}


def _words(condition: Condition) -> str:
    parts = (condition.attribute, OPERATORS[condition.operator].words, text_of(condition))
    return " ".join(part for part in parts if part)
