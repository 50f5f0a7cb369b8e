"""The schema of a flag's values against what its environments have, and what is planned for them."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select

from dashboard.flags.models import Flag, FlagSetting
from dashboard.flags.schedule_models import FlagSchedule
from dashboard.flags.value_schema import variants_problem
from dashboard.store import db
from dashboard.targets.models import Environment


def misfits(flag: Flag, schema: Mapping[str, Any] | None) -> dict[str, str]:
    """Where a variant that is set or scheduled does not fit a schema, the first of each place in one sentence."""
    if schema is None:
        return {}
    found = ((where, variants_problem(schema, variants)) for where, variants in (*_set(flag), *_planned(flag)))
    sentences = [f"In {where}: {problem}" for where, problem in found if problem]
    return {"json_schema": " ".join(sentences)} if sentences else {}


def _set(flag: Flag) -> Iterator[tuple[str, Mapping[str, Any]]]:
    wanted = select(Environment.slug, FlagSetting.variants).join(FlagSetting.environment)
    wanted = wanted.where(FlagSetting.flag_id == flag.id).order_by(Environment.position, Environment.slug)
    yield from ((slug, variants) for slug, variants in db.session.execute(wanted))


def _planned(flag: Flag) -> Iterator[tuple[str, Mapping[str, Any]]]:
    wanted = select(FlagSchedule).where(FlagSchedule.flag_id == flag.id, FlagSchedule.state == "pending")
    for schedule in db.session.scalars(wanted.order_by(FlagSchedule.id)):
        for _, document in schedule.coming:
            yield f"what is scheduled in {schedule.environment.slug}", document["variants"]
