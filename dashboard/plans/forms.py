"""What an operator asked for → a wish (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.errors import Invalid
from dashboard.plans.parameters import TYPES

KINDS = ("generic", "values", "analyze")
MOST_FIELDS = 50
LONGEST_VALUE = 10_000


@dataclass(frozen=True)
class Wish:
    """`values`: one for each parameter, None for NULL; `types`: by the number of the parameter, of our own list."""

    kind: str
    values: tuple[str | None, ...] = ()
    types: tuple[tuple[int, str], ...] = ()


def read_wish(form: Mapping[str, str], parameters: int) -> Wish:
    """Fields `kind`, `value1`… (empty: NULL), `type1`… and `confirmed`. Raises Invalid."""
    problems: dict[str, str] = {}
    kind = form.get("kind", "generic")
    if kind not in KINDS:
        problems["kind"] = f"“kind” is one of: {', '.join(KINDS)}."
    if kind != "generic" and parameters > MOST_FIELDS:
        problems["kind"] = f"It has {parameters} parameters; values can be given for {MOST_FIELDS} at most."
    if kind == "analyze" and form.get("confirmed") != "yes":
        problems["confirmed"] = "Confirm that the statement is to be run."
    numbers = range(1, min(parameters, MOST_FIELDS) + 1)
    values = tuple(_value(form, number, problems) for number in numbers) if kind != "generic" else ()
    types = tuple((number, named) for number in numbers if (named := _type(form, number, problems)))
    if problems:
        raise Invalid(problems)
    return Wish(kind, values, types)


def _value(form: Mapping[str, str], number: int, problems: dict[str, str]) -> str | None:
    value = form.get(f"value{number}", "")
    if "\x00" in value or len(value) > LONGEST_VALUE:
        problems[f"value{number}"] = f"A value has at most {LONGEST_VALUE:,} characters, none of them NUL."
    return value or None


def _type(form: Mapping[str, str], number: int, problems: dict[str, str]) -> str:
    kind = form.get(f"type{number}", "")
    if kind and kind not in TYPES:
        problems[f"type{number}"] = f"The type is one of: {', '.join(TYPES)}."
    return kind
