"""What all environments share of a flag: read from its form, checked, and written into versions (pure)."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dashboard.errors import Invalid
from dashboard.flags import forms, staleness, value_schema
from dashboard.flags.exact import Refused, read_json

KINDS = ("release", "experiment", "operational", "kill_switch", "permission", "configuration")
USUAL = "usual"
LIVES_D = (7, 14, 40, 90, 180, 365)
LONGEST_LIFE_D = 3_650


@dataclass(frozen=True)
class Shared:
    """What all environments share and may be edited; `json_schema` is what values of an object flag have to fit."""

    description: str = ""
    kind: str = "release"
    owner: str = ""
    tags: tuple[str, ...] = ()
    expected_life_d: int | None = None
    json_schema: Mapping[str, Any] | None = None


PLAIN = Shared()


def sent(typed: Mapping[str, str], now: Shared | None = None) -> Shared:
    """What the form sent; a life and a schema that it did not ask for stay as they are `now`. Raises Invalid."""
    problems: dict[str, str] = {}
    kind = typed.get("kind", "release")
    life = typed.get("expected_life_d", USUAL if now is None else None)
    schema = typed.get("json_schema")
    life_d, fitting = (now.expected_life_d, now.json_schema) if now else (None, None)
    if life is not None:
        life_d = staleness.USUAL_LIFE_D.get(kind) if life == USUAL else _life(life.strip(), problems)
    if schema is not None:
        fitting = _schema(schema.strip(), problems)
    if problems:
        raise Invalid(problems)
    return Shared(
        description=typed.get("description", "").strip().replace("\r\n", "\n"),
        kind=kind,
        owner=typed.get("owner", "").strip(),
        tags=forms.tags_of(typed.get("tags", "")),
        expected_life_d=life_d,
        json_schema=fitting,
    )


def problems_of(shared: Shared, type_: str) -> dict[str, str]:
    """Field → sentence for everything that keeps it from being stored."""
    problems = {}
    if shared.kind not in KINDS:
        problems["kind"] = "Choose a kind."
    for name, value, limit in (("description", shared.description, 2_000), ("owner", shared.owner, 200)):
        if len(value) > limit or "\x00" in value:
            problems[name] = f"At most {limit:,} characters."
    if len(shared.tags) > 20 or any(not 1 <= len(tag) <= 50 or "," in tag or "\x00" in tag for tag in shared.tags):
        problems["tags"] = "At most 20 tags of 1 to 50 characters, separated by commas."
    if shared.expected_life_d is not None and not 1 <= shared.expected_life_d <= LONGEST_LIFE_D:
        problems["expected_life_d"] = f"A life has 1 to {LONGEST_LIFE_D:,} days, or no end."
    if shared.json_schema is not None:
        wrong = value_schema.schema_problem(shared.json_schema) if type_ == "object" else "Only object flags have one."
        problems |= {"json_schema": wrong} if wrong else {}
    return problems


def columns_of(shared: Shared) -> dict[str, Any]:
    return asdict(shared) | {"tags": list(shared.tags)}


def document_of(shared: Shared, *, archived: bool) -> dict[str, Any]:
    """What a version keeps, in a fixed order; what is not set is left out."""
    document = columns_of(shared)
    known = {name: value for name, value in document.items() if value is not None}
    return known | {"archived": archived}


def read(document: Mapping[str, Any]) -> Shared:
    """What a version kept."""
    known = {name: document[name] for name in columns_of(PLAIN) if name in document}
    return Shared(**known | {"tags": tuple(document.get("tags", ()))})


def choices(life_d: int | None) -> list[tuple[str, str]]:
    """What the form offers; a life of another length stands among them."""
    days = sorted({*LIVES_D, *([life_d] if life_d else [])})
    usual = " and ".join(sorted(staleness.USUAL_LIFE_D))
    lives = [(str(each), f"{each:,} days") for each in days]
    return [(USUAL, f"Usual for its kind: 40 days for {usual}, else no end"), ("", "No end"), *lives]


def _life(text: str, problems: dict[str, str]) -> int | None:
    if text and not (text.isascii() and text.isdigit() and len(text) < 6):
        problems["expected_life_d"] = f"A life has 1 to {LONGEST_LIFE_D:,} days, or no end."
        return None
    return int(text) if text else None


def _schema(text: str, problems: dict[str, str]) -> dict[str, Any] | None:
    if not text:
        return None
    try:
        schema = read_json(text)
    except Refused as refused:
        problems["json_schema"] = f"Line {refused.line}, column {refused.column}: {refused.sentence}"
        return None
    if not isinstance(schema, dict):
        problems["json_schema"] = "A schema is an object in braces."
        return None
    return schema


def schema_text(schema: Mapping[str, Any] | None) -> str:
    return "" if schema is None else json.dumps(schema, ensure_ascii=False, indent=2)
