"""What the form of a segment sends, read into a rule, and back (pure)."""

import json
from dataclasses import dataclass, replace
from typing import Any

from dashboard.errors import Invalid
from dashboard.flags import conditions, rule_forms, targeting
from dashboard.flags.exact import Refused, read_json
from dashboard.flags.rule_forms import Allowed, ConditionRow, Fields, RuleRow, RulesForm

ROW = "rule-segment"
ONLY_JSON = "Only JSON can say this: the form knows conditions joined by “and”."


@dataclass(frozen=True)
class SegmentForm:
    """`rule` None: shown as JSON, `text`."""

    name: str = ""
    description: str = ""
    rule: RuleRow | None = None
    text: str = ""


def blank() -> SegmentForm:
    return SegmentForm(rule=RuleRow(ROW, (ConditionRow(),)))


def shown(name: str, description: str, rule: dict[str, Any]) -> SegmentForm:
    text = json.dumps(rule, ensure_ascii=False, indent=2)
    return SegmentForm(name, description, _row(rule), text)


def sent(fields: Fields) -> SegmentForm:
    def one(name: str) -> str:
        return next(iter(fields.get(name, ())), "").strip()

    row = next(iter(rule_forms.sent(fields).rules), None) if one("rules_view") == "form" else None
    return SegmentForm(one("name"), one("description").replace("\r\n", "\n"), row, one("text"))


def named(form: SegmentForm, name: str) -> SegmentForm:
    return replace(form, name=name)


def acted(form: SegmentForm, action: str) -> SegmentForm:
    """The form after one of its buttons. Raises Invalid when it cannot be shown in the other way."""
    if action == "rules-json" and form.rule is not None:
        return replace(form, rule=None, text=json.dumps(rule_of(form), ensure_ascii=False, indent=2))
    if action == "rules-form" and form.rule is None:
        row = _row(rule_of(form))
        if row is None:
            raise Invalid({"rule": ONLY_JSON})
        return replace(form, rule=row)
    if form.rule is None:
        return form
    return replace(form, rule=rule_forms.with_changed(RulesForm((form.rule,)), action).rules[0])


def rule_of(form: SegmentForm) -> dict[str, Any]:
    """Raises Invalid with what cannot be used."""
    if form.rule is None:
        return _parsed(form.text)
    problems: dict[str, str] = {}
    asked = rule_forms.conditions_of(form.rule, Allowed(()), problems)
    if problems or not asked:
        raise Invalid(problems or {ROW: "A segment needs a condition."})
    written = [conditions.write(condition) for condition in asked]
    rule: dict[str, Any] = {"and": written} if len(written) > 1 else written[0]
    return rule


def _row(rule: dict[str, Any]) -> RuleRow | None:
    known = targeting.conditions_of(rule)
    return None if known is None else RuleRow(ROW, tuple(map(rule_forms.condition_shown, known)))


def _parsed(text: str) -> dict[str, Any]:
    try:
        rule = read_json(text)
    except Refused as refused:
        sentence = f"Line {refused.line}, column {refused.column}: {refused.sentence}"
        raise Invalid({"rule": sentence}) from None
    if not isinstance(rule, dict) or not rule:
        raise Invalid({"rule": "A rule is an object in braces."})
    return rule
