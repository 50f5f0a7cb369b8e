"""Configuration: a key with one value that everybody in an environment gets; underneath a flag of that kind (pure)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dashboard.errors import Invalid
from dashboard.flags import rules, wire
from dashboard.flags.exact import Refused, read_json
from dashboard.flags.rules import Definition, Type

KIND = "configuration"
VARIANT = "value"
LISTS = ("environments",)
FIELDS = (
    "key", "environment", "type", "description", "owner", "tags", "version", "operation_id", "reason", "typed_key",
)  # fmt: skip
IN_QUOTES = ' A text stands in quotes, like "text".'


@dataclass(frozen=True)
class Sent:
    """What a form or a JSON body sent: its fields as text, its value as JSON, and where it is to be set."""

    fields: Mapping[str, str]
    value: str
    environments: Sequence[str]


def from_form(fields: Mapping[str, Sequence[str]]) -> Sent:
    """A form, or the same from a script that sends one."""
    texts = {name: fields[name][0] for name in FIELDS if fields.get(name)}
    slugs = [*fields.get("environments", ()), *fields.get("environment", ())]
    return Sent(texts, (fields.get("value") or [""])[0], list(dict.fromkeys(filter(None, slugs))))


def from_json(text: str) -> Sent:
    """A JSON body; its value keeps the words that it was written in. Raises Invalid with line and column."""
    try:
        body = read_json(text)
    except Refused as refused:
        raise Invalid({"body": told(refused)}) from None
    if not isinstance(body, dict):
        raise Invalid({"body": "Send an object in braces."})
    if unknown := sorted(set(body) - {*FIELDS, *LISTS, "value"}):
        raise Invalid({"body": f"“{rules.shortened(unknown[0])}” is not a field of a configuration."})
    slugs, tags = body.get("environments", []), body.get("tags", [])
    for name, value in (("environments", slugs), ("tags", tags)):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise Invalid({name: "This must be a list of texts."})
    for name in (set(FIELDS) - {"tags", "version"}) & set(body):
        if not isinstance(body[name], str):
            raise Invalid({name: "This must be a text in quotes."})
    fields: dict[str, Sequence[str]] = {name: [str(body[name])] for name in FIELDS if name in body}
    written = [json.dumps(body["value"], ensure_ascii=False)] if "value" in body else []
    return from_form(fields | {"tags": [",".join(tags)], "environments": slugs, "value": written})


def value_of(text: str, type_: str | None) -> tuple[Type, Any]:
    """The value and its type, which a key that is known has already. Raises Invalid with line, column and reason."""
    try:
        value = read_json(text)
    except Refused as refused:
        hint = IN_QUOTES if text.strip()[:1].isalpha() else ""
        raise Invalid({"value": told(refused) + hint}) from None
    found = rules.type_of([value])
    if type_ and not rules.fits(value, type_):
        raise Invalid({"value": f"This must be {rules.TYPE_WORDS[type_]}: that is the type of this key."})
    if found is None:
        raise Invalid({"value": "This number is too large."})
    return type_ or found, value  # type: ignore[return-value]


def definition_of(value: Any) -> Definition:
    return Definition(enabled=True, variants={VARIANT: value}, default_variant=VARIANT)


def is_plain(definition: Definition) -> bool:
    """Whether everybody gets its only value: nothing chooses, so one field says it all."""
    is_ruled = definition.targeting is not None or bool(definition.prerequisites)
    return len(definition.variants) == 1 and definition.default_variant is not None and not is_ruled


def with_value(definition: Definition, value: Any) -> Definition:
    """The same with another value; state, name of the variant and metadata stay."""
    return replace(definition, variants=dict.fromkeys(definition.variants, value))


def text_of(value: Any, type_: str) -> str:
    """A value as the form shows it: JSON, in several lines when it is long."""
    text = wire.write_value(value, type_)
    return text if len(text) <= 60 or type_ != "object" else json.dumps(value, ensure_ascii=False, indent=2)


def told(refused: Refused) -> str:
    return f"Line {refused.line}, column {refused.column}: {refused.sentence}"
