"""What a flag may be, what changed between two versions of it, and what a change must be confirmed with (pure)."""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from dashboard.formats import visible

Type = Literal["boolean", "string", "integer", "float", "object"]
KEY = re.compile(r"[A-Za-z0-9._-]{1,200}\Z")
RESERVED_KEYS = {
    "new": "the address of the form for new flags",
    "compare": "the page that compares environments",
    "playground": "the page to try flags on",
    "unknown": "the list of unknown flags",
    "segments": "the list of segments",
    "schedules": "the list of schedules",
    "import": "the page that imports a file",
    "export": "the file of an environment",
    "bucketing": "how percentages are drawn",
    ".": "a path",
    "..": "a path",
}
MAX_VARIANTS = 100
MAX_PREREQUISITES = 20
MAX_NAME = 200
MAX_DOCUMENT = 100_000
MAX_DEPTH = 64
TYPE_WORDS = {
    "boolean": "true or false",
    "string": "a text in quotes",
    "integer": "a whole number",
    "float": "a number",
    "object": "an object in braces, a list or null",
}


@dataclass(frozen=True)
class Definition:
    """A flag in one environment. The order of variants and the exact kind of every number are kept.

    `prerequisites`: unless each of these flags serves one of the variants beside it, this one serves `unmet_variant`.
    """

    enabled: bool
    variants: Mapping[str, Any]
    default_variant: str | None = None
    targeting: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    prerequisites: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unmet_variant: str | None = None


def key_problem(key: str) -> str | None:
    if not KEY.match(key):
        return "A key has 1 to 200 letters, digits, dots, hyphens or underscores."
    if key in RESERVED_KEYS:
        return f"“{key}” cannot be a key: in an address it means {RESERVED_KEYS[key]}."
    return None


def problems_of(definition: Definition, type_: str) -> dict[str, str]:
    """Field → sentence for everything that keeps this definition from being stored."""
    problems = {"variants": _variants_problem(definition.variants, type_)}
    if definition.default_variant is not None and definition.default_variant not in definition.variants:
        problems["default_variant"] = f"There is no variant “{shortened(definition.default_variant)}”."
    problems["targeting"] = rule_problem(definition.targeting)
    problems["metadata"] = metadata_problem(definition.metadata)
    problems["prerequisites"] = _prerequisites_problem(definition)
    return {name: sentence for name, sentence in problems.items() if sentence}


def rule_problem(rule: Mapping[str, Any] | None) -> str | None:
    return _document_problem(rule, "The rule")


def metadata_problem(metadata: Mapping[str, Any]) -> str | None:
    for name, value in metadata.items():
        if not isinstance(value, str | int | float):
            return f"Metadata “{shortened(name)}” must be a text, a number or true/false."
    return _document_problem(metadata, "The metadata")


def fits(value: Any, type_: str) -> bool:
    """Whether a JSON value can be a variant of this type; a whole number also fits a float flag, null an object one."""
    if type_ == "boolean":
        return isinstance(value, bool)
    if type_ == "string":
        return isinstance(value, str)
    if type_ == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if type_ == "float":
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    return isinstance(value, dict | list | None)


def type_of(values: Iterable[Any]) -> Type | None:
    """The type that all values share: numbers are floats as soon as one has a fraction; None when they differ."""
    every = list(values)
    for type_ in ("boolean", "string", "integer", "float", "object"):
        if every and all(fits(value, type_) for value in every):
            return type_
    return None


def normal(definition: Definition, type_: str) -> Definition:
    """The same with values in their type: whole numbers of a float flag get their fraction."""
    if type_ != "float":
        return definition
    variants = {name: float(value) for name, value in definition.variants.items()}
    return replace(definition, variants=variants)


def switched(definition: Definition, *, enabled: bool) -> Definition:
    return replace(definition, enabled=enabled)


def document_of(definition: Definition) -> dict[str, Any]:
    """The flagd object of a definition, in flagd's words and a fixed order.

    Prerequisites come last: flagd has no word for them and gets them as part of the rule (`flags.compiled`).
    """
    document: dict[str, Any] = {
        "state": "ENABLED" if definition.enabled else "DISABLED",
        "variants": dict(definition.variants),
    }
    if definition.default_variant is not None:
        document["defaultVariant"] = definition.default_variant
    if definition.targeting is not None:
        document["targeting"] = definition.targeting
    if definition.metadata:
        document["metadata"] = dict(definition.metadata)
    if definition.prerequisites:
        document["prerequisites"] = {key: list(variants) for key, variants in definition.prerequisites.items()}
        if definition.unmet_variant is not None:
            document["unmetVariant"] = definition.unmet_variant
    return document


def definition_of(document: Mapping[str, Any]) -> Definition:
    """The definition that `document_of` wrote."""
    return Definition(
        enabled=document["state"] == "ENABLED",
        variants=document["variants"],
        default_variant=document.get("defaultVariant"),
        targeting=document.get("targeting"),
        metadata=document.get("metadata", {}),
        prerequisites=document.get("prerequisites", {}),
        unmet_variant=document.get("unmetVariant"),
    )


def confirmation_problems(
    *, needed: bool, key: str, typed_key: str, reason: str, reason_needed: bool = False
) -> dict[str, str]:
    """Production asks for a reason and for the key typed by hand, so that no slip of the mouse changes it.

    `reason_needed`: others read it before or after, whatever else is needed.
    """
    problems = {}
    if len(reason) > 1_000 or "\x00" in reason:
        problems["reason"] = "A reason has at most 1,000 characters."
    if needed and not reason.strip():
        problems["reason"] = "Say why: production keeps the reason with the change."
    elif reason_needed and not reason.strip():
        problems["reason"] = "Say why: somebody else reads it to decide."
    if needed and typed_key.strip() != key:
        problems["typed_key"] = f"Type {key} to confirm."
    return problems


def shortened(text: str, limit: int = 60) -> str:
    """For a page or a sentence: as long as fits, and nothing in it that turns its order."""
    return visible(text if len(text) <= limit else f"{text[: limit - 1]}…")


def depth_of(value: Any, *, limit: int) -> int:
    """How deep lists and objects nest, counted without recursion; stops counting at `limit` + 1."""
    deepest, level, depth = 0, [value], 0
    while level and depth <= limit:
        level = [item for item in level if isinstance(item, dict | list)]
        depth += 1 if level else 0
        deepest = max(deepest, depth)
        level = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]
    return deepest


def _variants_problem(variants: Mapping[str, Any], type_: str) -> str | None:
    if not 1 <= len(variants) <= MAX_VARIANTS:
        return f"A flag has 1 to {MAX_VARIANTS} variants."
    for name, value in variants.items():
        if not name or len(name) > MAX_NAME or "\x00" in name:
            return f"The name of a variant has 1 to {MAX_NAME} characters."
        if not fits(value, type_):
            return f"Variant “{shortened(name)}” must be {TYPE_WORDS[type_]}."
    return _document_problem(dict(variants), "The variants")


def _prerequisites_problem(definition: Definition) -> str | None:
    if len(definition.prerequisites) > MAX_PREREQUISITES:
        return f"A flag needs at most {MAX_PREREQUISITES} others."
    for key, variants in definition.prerequisites.items():
        if not KEY.match(key) or not 1 <= len(variants) <= MAX_VARIANTS:
            return f"Say which variants of “{shortened(key)}” count."
    if definition.unmet_variant is not None and definition.unmet_variant not in definition.variants:
        return f"There is no variant “{shortened(definition.unmet_variant)}”."
    return None


def _document_problem(document: Mapping[str, Any] | None, what: str) -> str | None:
    if document is None:
        return None
    if depth_of(document, limit=MAX_DEPTH) > MAX_DEPTH:
        return f"{what} nest deeper than {MAX_DEPTH} levels." if what.endswith("s") else f"{what} is nested too deeply."
    if len(json.dumps(document)) > MAX_DOCUMENT:
        return f"{what}: more than {MAX_DOCUMENT:,} characters."
    return None
