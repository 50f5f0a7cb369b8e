"""The schema of a flag's values against what its environments have."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from dashboard.flags.models import Flag, FlagSetting
from dashboard.flags.value_schema import variants_problem
from dashboard.store import db
from dashboard.targets.models import Environment


def misfits(flag: Flag, schema: Mapping[str, Any] | None) -> dict[str, str]:
    """Where a variant that is set already does not fit a schema, the first of each environment in one sentence."""
    if schema is None:
        return {}
    wanted = select(Environment.slug, FlagSetting.variants).join(FlagSetting.environment)
    wanted = wanted.where(FlagSetting.flag_id == flag.id).order_by(Environment.position, Environment.slug)
    found = ((slug, variants_problem(schema, variants)) for slug, variants in db.session.execute(wanted))
    sentences = [f"In {slug}: {problem}" for slug, problem in found if problem]
    return {"json_schema": " ".join(sentences)} if sentences else {}
