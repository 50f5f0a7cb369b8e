"""Targets declared in a TOML file (PILOTHOUSE_TARGETS): the words of `pilothouse target add`, with underscores."""

import tomllib
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import select

from dashboard.errors import Conflict, Invalid, PilothouseError
from dashboard.store import db
from dashboard.targets.edits import add_target, change_target, checked_form, told, told_form
from dashboard.targets.forms import Login
from dashboard.targets.models import Target, TargetLogin
from dashboard.targets.secrets import Unsealable, unseal

PASSWORDS = ("password_file", "explain_password_file", "steer_password_file")
WORDS = {
    "name", "environment", "host", "port", "dbname", "user", "sslmode", "sslrootcert", "migrations",
    "explain_user", "steer_user", *PASSWORDS,
}  # fmt: skip


def apply_file(path: Path) -> list[str]:
    """Bring the targets of the file into the store; the slugs that were added or changed. Commits.

    Targets that are no longer in the file stay: removing one removes its history, which a person decides.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("targets", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PilothouseError(f"{path} cannot be read as TOML: {error}") from None
    if not isinstance(tables, dict):
        raise PilothouseError(f"{path}: targets are written as [targets.SLUG].")
    changed = [slug for slug, table in tables.items() if _apply(slug, table, path)]
    db.session.commit()
    return changed


def password_in(path: Path) -> str:
    """The first line of a password file. Raises Invalid."""
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError):
        raise Invalid({"password_file": f"The password file {path} cannot be read."}) from None


def _apply(slug: str, table: Any, path: Path) -> bool:
    """One [targets.SLUG]; False when the store is already as it says."""
    try:
        values = _values(slug, table, path.parent)
        target = db.session.scalar(select(Target).where(Target.slug == slug))
        if target is None:
            add_target(values, origin="file")
            return True
        if target.origin != "file":
            raise Conflict(f"a target called {slug} already exists and is not from this file.")
        form = checked_form(values)
        if told_form(form) == told(target) and all(_opens_to(login, form.logins) for login in target.logins):
            return False
        change_target(target, values, version=target.version)
    except Invalid as refused:
        words = "; ".join(f"{field}: {sentence}" for field, sentence in refused.fields.items())
        raise PilothouseError(f"{path}: [targets.{slug}] {words}") from None
    except PilothouseError as refused:
        raise PilothouseError(f"{path}: [targets.{slug}] {refused.sentence}") from None
    return True


def _values(slug: str, table: Any, folder: Path) -> dict[str, str]:
    if not isinstance(table, dict):
        raise PilothouseError("is not a table.")
    if unknown := sorted(table.keys() - WORDS):
        raise PilothouseError(f"has the unknown word {unknown[0]}.")
    values = {name: str(value) for name, value in ({"sslrootcert": ""} | table).items()} | {"slug": slug}
    for name in PASSWORDS:
        if name in values:
            values[name.removesuffix("_file")] = password_in(folder / values.pop(name))
    if "migrations" in values:
        values["migrations"] = str(folder / values["migrations"])
    return values


def _opens_to(row: TargetLogin, logins: Any) -> bool:
    """Whether the stored password is the one of the file."""
    login: Login = logins[row.purpose]
    if row.sealed_password is None or login.password is None:
        return row.sealed_password is None and login.password is None
    secret_key = str(current_app.config["SECRET_KEY"])
    try:
        return unseal(row.sealed_password, secret_key, login_id=row.id, purpose=row.purpose) == login.password
    except Unsealable:
        return False
