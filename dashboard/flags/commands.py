"""`pilothouse flags`: a flagd file into an environment, and an environment as a flagd file."""

from typing import BinaryIO

import click

from dashboard.errors import PilothouseError
from dashboard.flags.exact import MAX_FILE
from dashboard.flags.imports import import_document
from dashboard.flags.queries import document_of
from dashboard.store import db
from dashboard.targets.queries import environment_by_slug


@click.group("flags")
def flags() -> None:
    """Feature flags as flagd files."""


@flags.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--environment", required=True, metavar="ENV", help="Created when it is not there yet.")
@click.option("--without-approval", is_flag=True, help="Where others approve changes: not this time.")
@click.option("--reason", default="", metavar="TEXT", help="Why it goes without; the review and the audit log say so.")
def import_flags(file: BinaryIO, environment: str, *, without_approval: bool, reason: str) -> None:
    """Set every flag of a flagd JSON FILE in an environment: all of them or, when one is refused, none."""
    if without_approval and not 1 <= len(reason.strip()) <= 1000:
        raise click.UsageError("--without-approval takes a --reason of at most 1,000 characters.")
    try:
        text = file.read(MAX_FILE + 1).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise click.ClickException(f"{file.name} is not a text in UTF-8.") from None
    try:
        done = import_document(text, environment, without_approval=reason.strip() if without_approval else None)
    except PilothouseError as error:
        db.session.rollback()
        raise click.ClickException(error.sentence) from None
    db.session.commit()
    for warning in done.warnings:
        click.echo(f"Warning: {warning}", err=True)
    click.echo(
        f"{len(done.changed)} flags set in {environment} ({len(done.created)} of them new), {done.unchanged} as before."
    )


@flags.command("export")
@click.option("--environment", required=True, metavar="ENV")
def export_flags(environment: str) -> None:
    """Print the flags of an environment as flagd JSON."""
    try:
        document = document_of(environment_by_slug(environment))
    except PilothouseError as error:
        raise click.ClickException(error.sentence) from None
    click.echo(document, nl=False)


commands: list[click.Command] = [flags]
