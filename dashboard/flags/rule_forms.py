"""What the rules' form sends, read into rules, and back (pure)."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from dashboard.flags import conditions, rollout, rules, targeting
from dashboard.flags.conditions import OPERATORS, Condition
from dashboard.flags.rollout import WHOLE, Rollout
from dashboard.flags.targeting import ID, MAX_RULES, Outcome, Rule, Rules

Fields = Mapping[str, Sequence[str]]
OTHERWISE = "otherwise"
DEFAULT, SPLIT, VARIANT = "default", "rollout", "variant:"


@dataclass(frozen=True)
class ConditionRow:
    attribute: str = ""
    operator: str = "equals"
    value: str = ""


@dataclass(frozen=True)
class RuleRow:
    """A rule as the form shows it; `shares` are percentages as typed, by variant."""

    id: str
    conditions: tuple[ConditionRow, ...] = ()
    outcome: str = DEFAULT
    seed: str = ""
    shares: tuple[tuple[str, str], ...] = ()

    @property
    def variant(self) -> str | None:
        return self.outcome.removeprefix(VARIANT) if self.outcome.startswith(VARIANT) else None


@dataclass(frozen=True)
class RulesForm:
    rules: tuple[RuleRow, ...] = ()
    otherwise: RuleRow = RuleRow(OTHERWISE)


@dataclass(frozen=True)
class Allowed:
    """What rules may name, and the seed of rollouts that were given none."""

    variants: Collection[str]
    segments: Sequence[str] = ()
    seed: str = ""


def shown(known: Rules) -> RulesForm:
    rows = [
        _outcome_shown(RuleRow(rule.id, tuple(map(condition_shown, rule.conditions))), rule.outcome)
        for rule in targeting.with_ids(known).rules
    ]
    return RulesForm(tuple(rows), _outcome_shown(RuleRow(OTHERWISE), known.otherwise))


def sent(fields: Fields) -> RulesForm:
    """What was typed, as it was typed."""
    ids = [id_ for id_ in dict.fromkeys(fields.get("rule", ())) if ID.match(id_)]
    return RulesForm(tuple(_sent_rule(fields, id_) for id_ in ids[: MAX_RULES + 1]), _sent_rule(fields, OTHERWISE))


def with_changed(form: RulesForm, action: str) -> RulesForm:
    """The form after a button of the rules was pressed: “rule-add”, or what, which rule, and which condition of it."""
    if action == "rule-add":
        new = RuleRow(f"rule-{secrets.token_hex(4)}", (ConditionRow(),))
        return replace(form, rules=(*form.rules, new))
    verb, _, rest = action.partition(":")
    id_, _, number = rest.partition(":")
    at = next((index for index, rule in enumerate(form.rules) if rule.id == id_), None)
    if at is None:
        return form
    rows = list(form.rules)
    if verb == "rule-remove":
        del rows[at]
    elif verb in {"rule-up", "rule-down"}:
        rows.insert(max(0, at - 1) if verb == "rule-up" else at + 1, rows.pop(at))
    else:
        rows[at] = replace(rows[at], conditions=_conditions_changed(rows[at].conditions, verb, number))
    return replace(form, rules=tuple(rows))


def rules_of(form: RulesForm, before: Rules, allowed: Allowed, problems: dict[str, str]) -> Rules:
    """The rules; what is wrong goes into `problems` by field. Rollouts keep the intervals that they had `before`."""
    held = {rule.id: rule.outcome for rule in targeting.with_ids(before).rules}
    found = []
    for row in form.rules:
        asked = conditions_of(row, allowed, problems)
        if not asked:
            problems[row.id] = "A rule needs a condition; whom no rule meets is said below the rules."
        found.append(Rule(row.id, asked, _outcome(row, held.get(row.id), allowed, problems)))
    if len(found) > MAX_RULES:
        problems["rules"] = f"At most {MAX_RULES} rules."
    return Rules(tuple(found), _outcome(form.otherwise, before.otherwise, allowed, problems))


def conditions_of(row: RuleRow, allowed: Allowed, problems: dict[str, str]) -> tuple[Condition, ...]:
    return tuple(
        _condition(condition, f"{row.id}.{number}", allowed, problems)
        for number, condition in enumerate(row.conditions)
    )


def condition_shown(condition: Condition) -> ConditionRow:
    return ConditionRow(condition.attribute, condition.operator, conditions.text_of(condition))


def _outcome_shown(row: RuleRow, outcome: Outcome) -> RuleRow:
    if isinstance(outcome, Rollout):
        shares = [(variant, rollout.percent_text(share)) for variant, share in rollout.shares(outcome).items()]
        return replace(row, outcome=SPLIT, seed=outcome.seed, shares=tuple(shares))
    return row if outcome is None else replace(row, outcome=VARIANT + outcome)


def _sent_rule(fields: Fields, id_: str) -> RuleRow:
    def every(name: str) -> Sequence[str]:
        return fields.get(f"{id_}.{name}", ())

    rows = zip(every("attribute"), every("operator"), every("value"), strict=False)
    shares = zip(every("share_of"), every("share"), strict=False)
    return RuleRow(
        id=id_,
        conditions=tuple(ConditionRow(attribute.strip(), operator, value) for attribute, operator, value in rows),
        outcome=next(iter(every("outcome")), DEFAULT),
        seed=next(iter(every("seed")), ""),
        shares=tuple((variant, share.strip()) for variant, share in shares),
    )


def _conditions_changed(rows: tuple[ConditionRow, ...], verb: str, number: str) -> tuple[ConditionRow, ...]:
    if verb == "condition-add":
        return (*rows, ConditionRow())
    if verb == "condition-remove" and number.isdecimal() and int(number) < len(rows):
        return rows[: int(number)] + rows[int(number) + 1 :]
    return rows


def _condition(row: ConditionRow, field: str, allowed: Allowed, problems: dict[str, str]) -> Condition:
    is_segment = row.operator in OPERATORS and OPERATORS[row.operator].takes == "segment"
    condition = Condition(
        "" if is_segment else row.attribute, row.operator, conditions.values_of(row.value, row.operator)
    )
    if problem := conditions.problem_of(condition, allowed.segments):
        problems[field] = problem
    return condition


def _outcome(row: RuleRow, before: Outcome, allowed: Allowed, problems: dict[str, str]) -> Outcome:
    if row.outcome == SPLIT:
        return _split(row, before, allowed, problems)
    if row.variant is not None and row.variant not in allowed.variants:
        problems[f"{row.id}.outcome"] = f"There is no variant “{rules.shortened(row.variant)}”."
    return row.variant


def _split(row: RuleRow, before: Outcome, allowed: Allowed, problems: dict[str, str]) -> Outcome:
    field, wanted = f"{row.id}.share", {}
    for variant, text in row.shares:
        share = rollout.percent_of(text)
        if share is None:
            problems[field] = "A percentage lies between 0 and 100 and has at most three decimals."
        elif share and variant not in allowed.variants:
            problems[field] = f"There is no variant “{rules.shortened(variant)}”."
        wanted[variant] = share or 0
    seed = row.seed.strip() or allowed.seed
    if not 0 < len(seed) <= rules.MAX_NAME or "\x00" in seed:
        problems[f"{row.id}.seed"] = f"A seed has 1 to {rules.MAX_NAME} characters."
    if field not in problems and sum(wanted.values()) != WHOLE:
        problems[field] = f"The shares add up to {rollout.percent_text(sum(wanted.values()))} %, not to 100 %."
    if field in problems:
        return None
    kept = isinstance(before, Rollout) and before.seed == seed
    return rollout.changed(before, wanted) if kept and isinstance(before, Rollout) else rollout.fresh(seed, wanted)
