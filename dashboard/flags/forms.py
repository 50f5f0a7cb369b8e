"""What the forms of flags send, read into what edits take, and back (pure)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.errors import Invalid
from dashboard.flags import rules
from dashboard.flags.evaluate import compile_rule
from dashboard.flags.exact import Refused, read_json
from dashboard.flags.rules import Definition
from dashboard.flags.wire import write_value

Fields = Mapping[str, Sequence[str]]
NO_DEFAULT = "none"
PRESETS = {
    "boolean": (("on", "true"), ("off", "false")),
    "string": (("a", "text"), ("b", "another text")),
    "integer": (("low", "10"), ("high", "100")),
    "float": (("low", "0.5"), ("high", "1.0")),
    "object": (("a", '{"limit": 10}'), ("b", '{"limit": 100}')),
}


@dataclass(frozen=True)
class DefinitionForm:
    """A definition as the form shows it; `default` is the number of a row, or NO_DEFAULT."""

    enabled: bool
    rows: tuple[tuple[str, str], ...]
    default: str
    targeting: str = ""
    metadata: str = ""


def blank(type_: str) -> DefinitionForm:
    return DefinitionForm(enabled=False, rows=PRESETS[type_], default="0")


def shown(definition: Definition, type_: str) -> DefinitionForm:
    """What is stored, as the form writes it: texts as they are, everything else as JSON."""
    names = list(definition.variants)
    default = definition.default_variant
    return DefinitionForm(
        enabled=definition.enabled,
        rows=tuple((name, _value_text(value, type_)) for name, value in definition.variants.items()),
        default=NO_DEFAULT if default is None else str(names.index(default)),
        targeting="" if definition.targeting is None else _indented(definition.targeting),
        metadata=_indented(definition.metadata) if definition.metadata else "",
    )


def sent(fields: Fields) -> DefinitionForm:
    """What was typed, as it was typed. Rows that are empty throughout are left out."""
    pairs = zip(fields.get("variant_name", ()), fields.get("variant_value", ()), strict=False)
    rows: list[tuple[str, str]] = []
    default, chosen = NO_DEFAULT, one(fields, "default", NO_DEFAULT)
    for index, (name, value) in enumerate(pairs):
        if not name.strip() and not value.strip():
            continue
        default = str(len(rows)) if chosen == str(index) else default
        rows.append((name.strip(), value.replace("\r\n", "\n")))
    targeting, metadata = one(fields, "targeting").strip(), one(fields, "metadata").strip()
    return DefinitionForm(one(fields, "enabled") == "on", tuple(rows), default, targeting, metadata)


def with_rows_changed(form: DefinitionForm, action: str) -> DefinitionForm:
    """The form after “Add a variant” or “Remove” of a row was pressed."""
    rows, default = list(form.rows), form.default
    if action == "add":
        rows.append(("", ""))
    number = action.removeprefix("remove-")
    if number.isdigit() and int(number) < len(rows):
        del rows[int(number)]
        if default.isdigit() and int(default) >= int(number):
            default = NO_DEFAULT if default == number else str(int(default) - 1)
    return DefinitionForm(form.enabled, tuple(rows), default, form.targeting, form.metadata)


def definition_of(form: DefinitionForm, type_: str) -> Definition:
    """Raises Invalid with every field that cannot be used; JSON errors name line and column."""
    problems: dict[str, str] = {}
    variants: dict[str, Any] = {}
    for number, (name, text) in enumerate(form.rows):
        if name in variants:
            problems[f"variant_name-{number}"] = f"Two variants are called “{rules.shortened(name)}”."
        variants[name] = _value(text, type_, f"variant_value-{number}", problems)
    definition = Definition(
        enabled=form.enabled,
        variants=variants,
        default_variant=None if form.default == NO_DEFAULT else form.rows[int(form.default)][0],
        targeting=_object(form.targeting, "targeting", problems),
        metadata=_object(form.metadata, "metadata", problems) or {},
    )
    if not problems:
        problems = rules.problems_of(definition, type_)
    if definition.targeting and (wrong := compile_rule(definition.targeting).problems):
        problems.setdefault("targeting", f"{wrong[0]}.")
    if problems:
        raise Invalid(problems)
    return definition


def fields_of(form: DefinitionForm) -> list[tuple[str, str]]:
    """The form as hidden fields, for another form that sends it again."""
    rows = [pair for name, value in form.rows for pair in (("variant_name", name), ("variant_value", value))]
    rest = {"default": form.default, "targeting": form.targeting, "metadata": form.metadata}
    return [*rows, ("enabled", "on" if form.enabled else "off"), *rest.items()]


def one(fields: Fields, name: str, default: str = "") -> str:
    values = fields.get(name) or [default]
    return values[0]


def version_of(fields: Fields) -> int:
    """The version that the form showed. Raises Invalid."""
    text = one(fields, "version")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid({"version": "The form is incomplete. Reload the page and try again."})
    return int(text)


def tags_of(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag.strip() for tag in text.split(",") if tag.strip()))


def _value(text: str, type_: str, field: str, problems: dict[str, str]) -> Any:
    if type_ == "string":
        if "\x00" in text:
            problems[field] = "A text without NUL, please."
        return text
    try:
        value = read_json(text)
    except Refused as refused:
        problems[field] = f"Line {refused.line}, column {refused.column}: {refused.sentence}"
        return None
    if not rules.fits(value, type_):
        problems[field] = f"This must be {rules.TYPE_WORDS[type_]}."
    return value


def _object(text: str, field: str, problems: dict[str, str]) -> dict[str, Any] | None:
    if not text:
        return None
    try:
        value = read_json(text)
    except Refused as refused:
        problems[field] = f"Line {refused.line}, column {refused.column}: {refused.sentence}"
        return None
    if not isinstance(value, dict):
        problems[field] = "This must be an object in braces."
        return None
    return value


def _value_text(value: Any, type_: str) -> str:
    if type_ == "string":
        return str(value)
    return _indented(value) if type_ == "object" else write_value(value, type_)


def _indented(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else json.dumps(value, ensure_ascii=False, indent=2)
