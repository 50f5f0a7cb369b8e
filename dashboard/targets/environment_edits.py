"""Adding, changing and removing environments."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, func, select, update

from dashboard.errors import Conflict, Invalid
from dashboard.security.audit import record as audit
from dashboard.store import db
from dashboard.targets.forms import EnvironmentForm, read_environment
from dashboard.targets.models import Environment

NAMES = ("name", "color", "position", "is_production", "approvals_needed", "keeps_contexts")
KEPT_FROM_HARM = {"api_key"}


def add_environment(values: Mapping[str, str]) -> Environment:
    """Raises Invalid; a taken slug is one of its problems."""
    form = read_environment(values)
    if db.session.scalar(select(Environment.id).where(Environment.slug == form.slug)):
        raise Invalid({"slug": f"An environment called {form.slug} already exists."})
    environment = Environment(slug=form.slug, **_columns(form))
    db.session.add(environment)
    audit("environment.add", f"environment:{form.slug}", after=_told(environment))
    return environment


def change_environment(environment: Environment, values: Mapping[str, str], *, version: int) -> None:
    """Raises Invalid, or Conflict when somebody else changed it since it was shown as `version`."""
    form = read_environment(dict(values) | {"slug": environment.slug})
    before = _told(environment)
    changed = (
        update(Environment)
        .where(Environment.id == environment.id, Environment.version == version)
        .values(version=version + 1, **_columns(form))
        .returning(Environment.id)
    )
    if not db.session.scalars(changed, execution_options={"synchronize_session": False}).all():
        theirs = {name: (before[name], getattr(form, name)) for name in NAMES if before[name] != getattr(form, name)}
        raise Conflict("Somebody else changed this environment in the meantime; nothing was saved.", theirs)
    db.session.refresh(environment)
    audit("environment.change", f"environment:{environment.slug}", before=before, after=_told(environment))


def remove_environment(environment: Environment) -> None:
    """Only an unused one: what belongs to it would go with it. Raises Conflict."""
    used_by = [table.name.replace("_", " ") for table in _referring() if _uses(table, environment.id)]
    if used_by:
        raise Conflict(f"{environment.name} is in use ({', '.join(used_by)}) and stays.")
    db.session.delete(environment)
    audit("environment.remove", f"environment:{environment.slug}", before=_told(environment))


def _referring() -> list[Table]:
    """Tables whose rows need their environment, and those whose rows would quietly go with it."""
    return [
        table
        for table in db.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name == "environment" and (key.ondelete is None or table.name in KEPT_FROM_HARM)
    ]


def _uses(table: Table, environment_id: int) -> bool:
    return bool(
        db.session.scalar(select(func.count()).select_from(table).where(table.c.environment_id == environment_id))
    )


def _columns(form: EnvironmentForm) -> dict[str, Any]:
    return {name: getattr(form, name) for name in NAMES}


def _told(environment: Environment) -> dict[str, Any]:
    return {name: getattr(environment, name) for name in ("slug", *NAMES)}
