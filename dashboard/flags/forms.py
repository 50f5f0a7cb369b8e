"""What the forms of flags send, read into what edits take, and back (pure)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dashboard.errors import Invalid
from dashboard.flags import prerequisite_forms, rule_forms, rules, targeting
from dashboard.flags.evaluate import compile_rule
from dashboard.flags.exact import Refused, read_json
from dashboard.flags.prerequisite_forms import NO_NEEDS, NeedsForm
from dashboard.flags.rule_forms import Allowed, RulesForm
from dashboard.flags.rules import Definition
from dashboard.flags.targeting import Rules
from dashboard.flags.wire import write_value

Fields = Mapping[str, Sequence[str]]
NO_DEFAULT = "none"
NOTHING = Allowed(())
ONLY_JSON = (
    "Only JSON can say this rule: the form knows rules in an order, conditions joined by “and”, and percentages."
)
PRESETS = {
    "boolean": (("on", "true"), ("off", "false")),
    "string": (("a", "text"), ("b", "another text")),
    "integer": (("low", "10"), ("high", "100")),
    "float": (("low", "0.5"), ("high", "1.0")),
    "object": (("a", '{"limit": 10}'), ("b", '{"limit": 100}')),
}


@dataclass(frozen=True)
class DefinitionForm:
    """A definition as the form shows it; `default` is the number of a row, or NO_DEFAULT.

    `rules` None: the rules are shown as JSON. Else they count, and `targeting` is what they were when the form began.
    """

    enabled: bool
    rows: tuple[tuple[str, str], ...]
    default: str
    targeting: str = ""
    metadata: str = ""
    rules: RulesForm | None = None
    needs: NeedsForm = NO_NEEDS

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.rows if name]


def blank(type_: str) -> DefinitionForm:
    return DefinitionForm(enabled=False, rows=PRESETS[type_], default="0", rules=RulesForm())


def shown(definition: Definition, type_: str) -> DefinitionForm:
    """What is stored, as the form writes it: texts as they are, everything else as JSON."""
    names = list(definition.variants)
    default = definition.default_variant
    known = targeting.read(definition.targeting)
    return DefinitionForm(
        enabled=definition.enabled,
        rows=tuple((name, _value_text(value, type_)) for name, value in definition.variants.items()),
        default=NO_DEFAULT if default is None else str(names.index(default)),
        targeting="" if definition.targeting is None else _indented(definition.targeting),
        metadata=_indented(definition.metadata) if definition.metadata else "",
        rules=None if known is None else rule_forms.shown(known),
        needs=prerequisite_forms.shown(definition),
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
    return DefinitionForm(
        enabled=one(fields, "enabled") == "on",
        rows=tuple(rows),
        default=default,
        targeting=one(fields, "targeting").strip(),
        metadata=one(fields, "metadata").strip(),
        rules=rule_forms.sent(fields) if one(fields, "rules_view") == "form" else None,
        needs=prerequisite_forms.sent(fields),
    )


def acted(form: DefinitionForm, action: str, allowed: Allowed) -> DefinitionForm:
    """The form after a button in it was pressed. Raises Invalid when the rules cannot be shown in the other way."""
    if action == "rules-json" and form.rules is not None:
        problems: dict[str, str] = {}
        found = _targeting(form, replace(allowed, variants=form.names), problems)
        if problems:
            raise Invalid(problems)
        return replace(form, rules=None, targeting="" if found is None else _indented(found))
    if action == "rules-form" and form.rules is None:
        problems = {}
        known = targeting.read(_object(form.targeting, "targeting", problems))
        if problems or known is None:
            raise Invalid(problems or {"targeting": ONLY_JSON})
        return replace(form, rules=rule_forms.shown(known))
    if form.rules is not None and action.startswith(("rule-", "condition-")):
        return replace(form, rules=rule_forms.with_changed(form.rules, action))
    if action.startswith("need-remove:"):
        return replace(form, needs=prerequisite_forms.with_removed(form.needs, action))
    return with_rows_changed(form, action)


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
    return replace(form, rows=tuple(rows), default=default)


def definition_of(form: DefinitionForm, type_: str, allowed: Allowed = NOTHING) -> Definition:
    """Raises Invalid with every field that cannot be used; JSON errors name line and column."""
    problems: dict[str, str] = {}
    variants: dict[str, Any] = {}
    for number, (name, text) in enumerate(form.rows):
        if name in variants:
            problems[f"variant_name-{number}"] = f"Two variants are called “{rules.shortened(name)}”."
        variants[name] = _value(text, type_, f"variant_value-{number}", problems)
    needs, unmet = prerequisite_forms.read_into(form.needs, problems)
    definition = Definition(
        enabled=form.enabled,
        variants=variants,
        default_variant=None if form.default == NO_DEFAULT else form.rows[int(form.default)][0],
        targeting=_targeting(form, replace(allowed, variants=variants), problems),
        metadata=_object(form.metadata, "metadata", problems) or {},
        prerequisites=needs,
        unmet_variant=unmet,
    )
    if not problems:
        problems = rules.problems_of(definition, type_)
    if definition.targeting and (
        wrong := compile_rule(definition.targeting, dict.fromkeys(allowed.segments, True)).problems
    ):
        problems.setdefault("targeting", f"{wrong[0]}.")
    if problems:
        raise Invalid(problems)
    return definition


def fields_of(form: DefinitionForm) -> list[tuple[str, str]]:
    """The form as hidden fields, for another form that sends it again."""
    rows = [pair for name, value in form.rows for pair in (("variant_name", name), ("variant_value", value))]
    rest = {"default": form.default, "targeting": form.targeting, "metadata": form.metadata}
    enabled = ("enabled", "on" if form.enabled else "off")
    return [*rows, enabled, *rest.items(), *prerequisite_forms.fields_of(form.needs)]


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


def _targeting(form: DefinitionForm, allowed: Allowed, problems: dict[str, str]) -> dict[str, Any] | None:
    """The rules of the form as JSON; rules that say what they said keep the JSON that they were written in."""
    written = _object(form.targeting, "targeting", problems)
    if form.rules is None:
        return written
    before = targeting.read(written) or Rules()
    found = rule_forms.rules_of(form.rules, before, allowed, problems)
    if problems or targeting.is_same(found, before):
        return written
    return targeting.write(found)


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
