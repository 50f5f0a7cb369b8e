"""Targets on the command line."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from dashboard.errors import Invalid, PilothouseError
from dashboard.store import db
from dashboard.targets import edits
from dashboard.targets.collect import look
from dashboard.targets.connect import TargetRefused, TargetUnreachable
from dashboard.targets.declared import password_in
from dashboard.targets.forms import SSLMODES
from dashboard.targets.queries import all_targets, target_by_slug

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group("target")
def target() -> None:
    """Watched databases."""


@target.command("add")
@click.argument("slug")
@click.option("--name", help="Shown on the pages; SLUG when left out.")
@click.option("--environment", metavar="ENV", default="development", show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="One name or address.")
@click.option("--port", type=click.IntRange(1, 65_535), default=5432, show_default=True)
@click.option("--dbname", required=True)
@click.option("--user", required=True, help="The role that watches: a login with pg_monitor.")
@click.option("--password-file", type=FILE, help="Holds the password on its first line.")
@click.option("--sslmode", type=click.Choice(SSLMODES), help="verify-full unless the host is this machine.")
@click.option("--sslrootcert", type=FILE, help="Who signs the certificate; the system's list when left out.")
@click.option("--migrations", type=FOLDER, metavar="DIR", help="Holds Alembic's versions/ or is it.")
@click.option("--explain-user", help="A role that may read the tables, for EXPLAIN.")
@click.option("--explain-password-file", type=FILE)
@click.option("--steer-user", help="A role that may cancel and end sessions.")
@click.option("--steer-password-file", type=FILE)
def add(slug: str, **options: Any) -> None:
    """Watch a database from now on."""
    values = {"slug": slug}
    for name, value in options.items():
        if value is None:
            continue
        if name.endswith("_file"):
            values[name.removesuffix("_file")] = password_in(value)
        else:
            values[name] = str(value.resolve()) if isinstance(value, Path) else str(value)
    try:
        edits.add_target(values, origin="command")
    except Invalid as refused:
        words = " ".join(f"--{field.replace('_', '-')}: {text}" for field, text in refused.fields.items())
        raise PilothouseError(words.replace("--slug", "SLUG")) from None
    db.session.commit()
    click.echo(f"{slug} is watched from now on.")


@target.command("list")
def list_targets() -> None:
    """Every target, one a line."""
    for found in all_targets():
        place = f"{found.host}:{found.port}/{found.dbname}"
        click.echo(f"{found.slug:<20} {found.environment.slug:<14} {found.state:<12} {place}")


@target.command("check")
@click.argument("slug")
def check(slug: str) -> None:
    """Connect now and say what works, what does not, and what would fix it."""
    try:
        card = look(target_by_slug(slug))
    except (TargetUnreachable, TargetRefused) as failure:
        raise PilothouseError(f"{slug}: {failure.sentence}") from None
    for feature in card:
        click.echo(f"{feature.state:<9} {feature.feature}: {feature.why}")
        for line in (feature.remedy_sql or "").splitlines():
            click.echo(f"{'':<9}   {line}")


@target.command("remove")
@click.argument("slug")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(slug: str, *, yes: bool) -> None:
    """Watch a database no longer; everything collected of it is removed."""
    found = target_by_slug(slug)
    if not yes:
        click.confirm(f"Remove {slug} and everything that was collected of it?", abort=True)
    edits.remove_target(found)
    db.session.commit()
    click.echo(f"{slug} is no longer watched.")


@click.command("collect")
@click.argument("slug")
def collect(slug: str) -> None:
    """One whole collection now, in the foreground."""
    from dashboard.jobs import COLLECTORS
    from dashboard.targets.run import collect_target

    outcome = collect_target(target_by_slug(slug).id, datetime.now(UTC), COLLECTORS, by_hand=True)
    if problem := outcome.unreachable or outcome.skipped:
        raise PilothouseError(f"{slug}: {problem}")
    for probe in outcome.stored:
        click.echo(f"{probe}: stored")
    for probe, why in outcome.unavailable.items():
        click.echo(f"{probe}: not available: {why}")


commands: list[click.Command] = [target, collect]
