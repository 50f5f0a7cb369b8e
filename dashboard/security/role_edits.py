"""Changes of who may do what in an environment, each with its audit entry."""

from collections.abc import Mapping

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from dashboard.errors import Invalid
from dashboard.security.audit import record as audit
from dashboard.security.edits import locked
from dashboard.security.models import ROLES, Account, EnvironmentRole
from dashboard.security.role_queries import grants_of
from dashboard.store import db
from dashboard.targets.models import Environment


def grant(account_id: int, wanted: Mapping[str, str], version: int) -> None:
    """Environment's slug → role there, "" for the same as everywhere; environments not named stay as they are.

    They hold from the account's next request on. Raises Invalid, NotFound, Conflict.
    """
    known = {place.slug: place.id for place in db.session.scalars(select(Environment))}
    problems = {f"role.{slug}": "There is no such environment." for slug in wanted.keys() - known.keys()}
    roles = f"The role is one of: {', '.join(ROLES)}, or empty."
    problems |= {f"role.{slug}": roles for slug, role in wanted.items() if role and role not in ROLES}
    if problems:
        raise Invalid(problems)
    account = locked(account_id, version)
    before = grants_of([account_id]).get(account_id, {})
    after = {slug: role for slug, role in (before | dict(wanted)).items() if role}
    if before == after:
        return
    for slug in before.keys() | after.keys():
        _put(account_id, known[slug], after.get(slug))
    db.session.execute(update(Account).where(Account.id == account_id).values(version=Account.version + 1))
    audit("account.environment_roles", account.email, before=dict(before), after=after)


def _put(account_id: int, environment_id: int, role: str | None) -> None:
    if role is None:
        there = (EnvironmentRole.account_id == account_id, EnvironmentRole.environment_id == environment_id)
        db.session.execute(delete(EnvironmentRole).where(*there))
        return
    row = insert(EnvironmentRole).values(account_id=account_id, environment_id=environment_id, role=role)
    db.session.execute(row.on_conflict_do_update(constraint="pk_environment_role", set_={"role": role}))
