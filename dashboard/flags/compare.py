"""What differs between definitions of a flag, and how two changes of one go together (pure)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.formats import visible

LONG = {"targeting", "json_schema", "rule"}


@dataclass(frozen=True)
class Difference:
    """One field that differs, both sides as text; `None` where the side had nothing."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class ThreeWay:
    """One field as the form showed it, as somebody else left it, and as you sent it."""

    field: str
    base: str | None
    theirs: str | None
    yours: str | None

    @property
    def is_contested(self) -> bool:
        return self.base not in {self.theirs, self.yours} and self.theirs != self.yours


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Difference]:
    """What differs between two documents, field by field and variant by variant, in the order of reading."""
    old, new = flat(before or {}), flat(after or {})
    names = [*new, *(name for name in old if name not in new)]
    changed = [name for name in names if old.get(name) != new.get(name)]
    return [Difference(visible(name), _shown(old.get(name)), _shown(new.get(name))) for name in changed]


def flat(document: Mapping[str, Any]) -> dict[str, str]:
    """A document as field → text: a variant is a field of its own; numbers keep the words they were written in."""
    fields: dict[str, str] = {}
    for name, value in document.items():
        if name == "variants":
            fields |= {f"variant {variant}": json.dumps(item, ensure_ascii=False) for variant, item in value.items()}
            fields["order of variants"] = ", ".join(value)
        elif name == "prerequisites":
            fields |= {f"needs {key}": ", ".join(variants) for key, variants in value.items()}
        elif name == "state":
            fields[name] = "on" if value == "ENABLED" else "off"
        elif name == "tags":
            fields[name] = ", ".join(value)
        elif isinstance(value, str):
            fields[name] = value
        else:
            fields[name] = json.dumps(value, ensure_ascii=False, indent=2 if name in LONG else None)
    if len(document.get("variants", ())) < 2:
        fields.pop("order of variants", None)
    return fields


def merged(base: Mapping[str, Any], theirs: Mapping[str, Any], yours: Mapping[str, Any]) -> dict[str, Any]:
    """Theirs with what you changed since `base` put on top, field by field and variant by variant."""
    together: dict[str, Any] = {}
    for name in dict.fromkeys((*theirs, *yours)):
        if name in {"variants", "prerequisites"}:
            inner = merged(base.get(name, {}), theirs.get(name, {}), yours.get(name, {}))
            together |= {name: inner} if inner else {}
            continue
        changed = (name in yours) != (name in base) or not same_json(yours.get(name), base.get(name))
        source = yours if changed else theirs
        if name in source:
            together[name] = source[name]
    return together


def same_json(left: Any, right: Any) -> bool:
    """Equal as JSON texts: 1 is not 1.0, 0.0 is not -0.0, and the order of keys counts."""
    return json.dumps(left) == json.dumps(right)


def three_way(base: Mapping[str, Any] | None, theirs: Mapping[str, Any], yours: Mapping[str, Any]) -> list[ThreeWay]:
    """Every field in which the three are not all the same."""
    shown, there, sent = flat(base or {}), flat(theirs), flat(yours)
    names = dict.fromkeys((*sent, *there, *shown))
    differ = [name for name in names if not shown.get(name) == there.get(name) == sent.get(name)]
    return [ThreeWay(visible(name), *(_shown(side.get(name)) for side in (shown, there, sent))) for name in differ]


def _shown(text: str | None) -> str | None:
    return None if text is None else visible(text)
