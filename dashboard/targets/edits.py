"""Registering, changing and removing targets."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import select, update

from dashboard.changes.record import record
from dashboard.errors import Conflict, Invalid
from dashboard.security.audit import record as audit
from dashboard.security.authors import current_author
from dashboard.settings import Network
from dashboard.store import db
from dashboard.targets.connect import socket_dir
from dashboard.targets.forms import Login, TargetForm, read_target
from dashboard.targets.models import Environment, Target, TargetLogin
from dashboard.targets.secrets import seal


def add_target(values: Mapping[str, str], *, origin: str) -> Target:
    """Register a target. Raises Invalid, or Conflict when its slug is taken."""
    form = _checked(values)
    if db.session.scalar(select(Target.id).where(Target.slug == form.slug)):
        raise Conflict(f"A target called {form.slug} already exists.")
    target = Target(origin=origin, created_by=current_author(), **_columns(form))
    target.environment = _environment(form.environment)
    db.session.add(target)
    _keep_logins(target, form.logins)
    _tell("added", target, before=None)
    return target


def change_target(target: Target, values: Mapping[str, str], *, version: int) -> Target:
    """Change what was shown as `version`; a password left empty stays. Its circuit starts afresh."""
    kept = {"slug": target.slug, "sslrootcert": values.get("sslrootcert", target.sslrootcert or "")}
    form = _checked(dict(values) | kept)
    before = told(target)
    found = update(Target).where(Target.id == target.id, Target.version == version).values(version=version + 1)
    if not db.session.scalars(found.returning(Target.id), execution_options={"synchronize_session": False}).all():
        shown = told(target)
        theirs = {name: (shown[name], str(values.get(name, ""))) for name in ("name", "host", "port", "dbname")}
        raise Conflict("Somebody else changed this target in the meantime; nothing was saved.", theirs)
    db.session.refresh(target)
    for name, value in _columns(form).items():
        setattr(target, name, value)
    target.environment = _environment(form.environment)
    target.state, target.failures = "new", 0
    target.unreachable_since = target.unreachable_reason = target.next_attempt_at = None
    _keep_logins(target, form.logins)
    _tell("changed", target, before=before)
    return target


def remove_target(target: Target, *, version: int | None = None) -> None:
    """With everything that was collected of it; the audit log and the lane keep that it was there."""
    before = told(target)
    if version is not None and target.version != version:
        raise Conflict("Somebody else changed this target in the meantime; look at it again before removing it.")
    record(
        "target",
        f"{target.name} is no longer watched",
        subject=target.slug,
        environment_id=target.environment_id,
        author=current_author(),
    )
    db.session.delete(target)
    audit("target.remove", f"target:{target.slug}", before=before)


def told(target: Target) -> dict[str, Any]:
    """What audit and comparisons know of a target: everything but passwords."""
    return {
        "name": target.name,
        "environment": target.environment.slug,
        "host": target.host,
        "port": target.port,
        "dbname": target.dbname,
        "sslmode": target.sslmode,
        "sslrootcert": target.sslrootcert,
        "migrations": target.migrations_dir,
        "roles": {login.purpose: login.username for login in sorted(target.logins, key=lambda login: login.purpose)},
    }


def told_form(form: TargetForm) -> dict[str, Any]:
    """The same of a form, to see whether it would change anything."""
    return {
        "name": form.name,
        "environment": form.environment,
        "host": form.host,
        "port": form.port,
        "dbname": form.dbname,
        "sslmode": form.sslmode,
        "sslrootcert": form.sslrootcert,
        "migrations": form.migrations_dir,
        "roles": {purpose: login.user for purpose, login in sorted(form.logins.items())},
    }


def versions_folder(folder: str) -> str:
    """The folder as it is stored: absolute, and holding `versions/` or being it. Raises Invalid."""
    path = Path(folder).expanduser()
    if not path.is_absolute():
        path = path.resolve()
    if not path.is_dir():
        raise Invalid({"migrations": "There is no such folder on this machine."})
    if not (path / "versions").is_dir() and not any(path.glob("*.py")):
        raise Invalid({"migrations": "The folder neither holds versions/ nor is it."})
    return str(path)


def checked_form(values: Mapping[str, str]) -> TargetForm:
    """What was typed, with where this installation's targets may be. Raises Invalid."""
    networks: tuple[Network, ...] = current_app.extensions["pilothouse_settings"].target_networks
    return read_target(values, socket_dir=socket_dir(), networks=networks)


def _checked(values: Mapping[str, str]) -> TargetForm:
    """As checked_form, and what only this machine can tell: files and folders that are named."""
    form = checked_form(values)
    if form.sslrootcert and form.sslrootcert != "system" and not Path(form.sslrootcert).is_file():
        raise Invalid({"sslrootcert": "There is no such file on this machine."})
    if form.migrations_dir:
        return replace(form, migrations_dir=versions_folder(form.migrations_dir))
    return form


def _columns(form: TargetForm) -> dict[str, Any]:
    names = ("slug", "name", "host", "port", "dbname", "sslmode", "sslrootcert", "migrations_dir")
    return {name: getattr(form, name) for name in names}


def _environment(slug: str) -> Environment:
    """Raises Invalid: a mistyped environment must not come into being by itself."""
    environment = db.session.scalar(select(Environment).where(Environment.slug == slug))
    if environment is None:
        known = ", ".join(db.session.scalars(select(Environment.slug).order_by(Environment.position)))
        raise Invalid({"environment": f"There is no environment {slug}; there are: {known}."})
    return environment


def _keep_logins(target: Target, logins: Mapping[str, Login]) -> None:
    """Add, change and remove roles; a password is sealed to the id of its row."""
    known = {login.purpose: login for login in target.logins}
    for purpose, login in logins.items():
        row = known.get(purpose)
        if row is None:
            row = TargetLogin(purpose=purpose, username=login.user)
            target.logins.append(row)
        elif row.username != login.user and login.password is None:
            row.sealed_password = None
        row.username = login.user
        db.session.flush()
        if login.password is not None:
            secret_key = str(current_app.config["SECRET_KEY"])
            row.sealed_password = seal(login.password, secret_key, login_id=row.id, purpose=purpose)
    for purpose in known.keys() - logins.keys():
        target.logins.remove(known[purpose])
    db.session.flush()


def _tell(verb: str, target: Target, *, before: dict[str, Any] | None) -> None:
    """The change lane and the audit log, in the same transaction."""
    record(
        "target",
        f"{target.name} was {verb}",
        subject=target.slug,
        target_id=target.id,
        environment_id=target.environment_id,
        author=current_author(),
    )
    action = "target.add" if before is None else "target.change"
    audit(action, f"target:{target.slug}", before=before, after=told(target))
