"""Two changes of one flag from the same version: which fields each touched, and both together (pure).

A field is the state, the default, a variant, a name of the metadata, a flag that is needed, a rule (where each has an
id, else all targeting), anything that environments share, or the description or the rule of a segment.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.flags.compare import same_json
from dashboard.flags.targeting import Rules, read, write

Document = Mapping[str, Any]
Field = tuple[str, ...]
ABSENT = object()
NAMED = ("variants", "metadata", "prerequisites")
USES = {"defaultVariant", "targeting", "rule", "otherwise", "unmetVariant"}


@dataclass(frozen=True)
class Merge:
    """Theirs with yours on top, or (None) the fields that both touched."""

    document: dict[str, Any] | None
    contested: tuple[str, ...] = ()


def merge(past: Sequence[Document], yours: Document) -> Merge:
    """`past` holds every version from the one that you saw to the newest: a field changed there and back counts too."""
    base, theirs = past[0], past[-1]
    every = (*past, yours)
    by_rule = any("targeting" in document for document in every) and all(map(_has_ids, every))
    shown, sent = _fields(base, by_rule), _fields(yours, by_rule)
    mine = _touched(shown, sent)
    others = {field for version in past[1:] for field in _touched(shown, _fields(version, by_rule))}
    there = _fields(theirs, by_rule)
    contested = {field for field in mine & others if not _same(there.get(field, ABSENT), sent.get(field, ABSENT))}
    contested |= _entangled(mine, others, sent, there) | _entangled(others, mine, there, sent)
    if contested:
        return Merge(None, tuple(sorted(_words(field) for field in contested)))
    together = {field: value for field, value in there.items() if field not in mine or field in sent}
    together |= {field: sent[field] for field in sent if field in mine}
    return Merge(_document(together, base, theirs, yours, by_rule))


def _entangled(
    mine: set[Field], others: set[Field], sent: Mapping[Field, Any], there: Mapping[Field, Any]
) -> set[Field]:
    """A variant that one took away, and the default or the rules that the other one made use it."""
    removed = {field for field in mine if field[0] == "variants" and field not in sent}
    uses = {field for field in others if field[0] in USES and field in there}
    pairs = [(gone, use) for gone in removed for use in uses if json.dumps(gone[1]) in json.dumps(there[use])]
    return {field for pair in pairs for field in pair}


def _fields(document: Document, by_rule: bool) -> dict[Field, Any]:
    fields: dict[Field, Any] = {}
    for name, value in document.items():
        if name in NAMED:
            fields |= {(name, key): item for key, item in value.items()}
        elif name != "targeting" or not by_rule:
            fields[name,] = value
    if by_rule and (rules := read(document.get("targeting"))):
        fields |= {("rule", rule.id): write(Rules((rule,))) for rule in rules.rules}
        fields["otherwise",] = write(Rules(otherwise=rules.otherwise))
    return fields


def _touched(before: Mapping[Field, Any], after: Mapping[Field, Any]) -> set[Field]:
    """What differs; an order differs when those that both have follow each other in another way."""
    names = {*before, *after}
    touched = {field for field in names if not _same(before.get(field, ABSENT), after.get(field, ABSENT))}
    for kind in ("variants", "rule"):
        old = [field for field in before if field[0] == kind and field in after]
        new = [field for field in after if field[0] == kind and field in before]
        touched |= {("order", kind)} if old != new else set()
    return touched


def _document(
    together: Mapping[Field, Any], base: Document, theirs: Document, yours: Document, by_rule: bool
) -> dict[str, Any]:
    """The fields as a document, in the order of whoever changed the order."""
    document: dict[str, Any] = {}
    for name in dict.fromkeys((*theirs, *yours, *(field[0] for field in together))):
        if name in NAMED:
            value: Any = {key: together[name, key] for _, key in _order(name, together, base, theirs, yours, by_rule)}
            if value:
                document[name] = value
        elif name == "targeting" and by_rule:
            continue
        elif (name,) in together and name != "otherwise":
            document[name] = together[name,]
    if by_rule:
        order = _order("rule", together, base, theirs, yours, by_rule)
        rules = tuple(rule for field in order for rule in (read(together[field]) or Rules()).rules)
        rest = read(together["otherwise",]) or Rules()
        if (targeting := write(Rules(rules, rest.otherwise))) is not None:
            document["targeting"] = targeting
    return document


def _order(
    kind: str, together: Mapping[Field, Any], base: Document, theirs: Document, yours: Document, by_rule: bool
) -> list[Field]:
    """Yours first when you changed the order, else theirs; what only the other one has comes after."""
    shown, there, sent = (_fields(document, by_rule) for document in (base, theirs, yours))
    first, second = (sent, there) if ("order", kind) in _touched(shown, sent) else (there, sent)
    return [field for field in dict.fromkeys((*first, *second)) if field[0] == kind and field in together]


def _has_ids(document: Document) -> bool:
    """Whether its targeting is nothing but rules that all have an id of their own."""
    rules = read(document.get("targeting"))
    if rules is None or not all(rule.id for rule in rules.rules):
        return False
    return same_json(write(rules), document.get("targeting"))


def _same(one: Any, other: Any) -> bool:
    if one is ABSENT or other is ABSENT:
        return one is other
    return same_json(one, other)


def _words(field: Field) -> str:
    words = {"variants": "variant", "defaultVariant": "default variant", "order": "order of", "prerequisites": "needs"}
    kind = words.get(field[0], field[0])
    return " ".join((kind, *field[1:]))
