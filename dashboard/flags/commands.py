"""`pilothouse flags`: a file of flags into environments, and an environment as a flagd file."""

from collections.abc import Sequence
from typing import Any, BinaryIO, cast

import click

from dashboard.errors import PilothouseError
from dashboard.flags.exact import MAX_FILE, Refused
from dashboard.flags.import_plan import Plan, plans_of
from dashboard.flags.import_reading import EACH, Format, Import, chosen, read_import, text_of
from dashboard.flags.import_words import lines_of
from dashboard.flags.imports import Consent, ensure_environment, import_parts
from dashboard.flags.queries import document_of
from dashboard.store import db
from dashboard.targets.queries import environment_by_slug


@click.group("flags")
def flags() -> None:
    """Feature flags as files of flagd and of Unleash."""


@flags.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--environment", metavar="ENV", help="Created when it is not there yet.")
@click.option("--each-environment", is_flag=True, help="Each of an Unleash file into the one of the same name.")
@click.option("--from", "source", default="", metavar="NAME", help="Which environment of an Unleash file.")
@click.option(
    "--format", "format_", type=click.Choice(["flagd", "unleash"]), help="Told by the file unless you say it."
)
@click.option("--dry-run", is_flag=True, help="Print what would change and change nothing.")
@click.option("--leave-out-refused", is_flag=True, help="Of an Unleash file: import the others all the same.")
@click.option("--without-approval", is_flag=True, help="Where others approve changes: not this time.")
@click.option("--reason", default="", metavar="TEXT", help="Why; the history, the review and the audit log say so.")
def import_flags(file: BinaryIO, **options: Any) -> None:
    """Set every flag of a FILE (flagd JSON, Unleash) in an environment: all of them or, when one is refused, none."""
    reason = options["reason"].strip()
    if bool(options["environment"]) == options["each_environment"]:
        raise click.UsageError("Say --environment ENV or --each-environment.")
    if (options["without_approval"] and not reason) or len(reason) > 1000:
        raise click.UsageError("--without-approval takes a --reason of at most 1,000 characters.")
    target = EACH if options["each_environment"] else options["environment"]
    consent = Consent(without_approval=reason if options["without_approval"] else None, reason=reason or None)
    try:
        found = read_import(text_of(file.read(MAX_FILE + 1), file.name), cast("Format | None", options["format_"]))
        chosen_parts = chosen(found, target, options["source"])
        parts = [(ensure_environment(slug), document) for slug, document in chosen_parts]
        if options["dry_run"]:
            _preview(found, plans_of(parts))
            return
        leave_out = options["leave_out_refused"] and found.format == "unleash"
        done = import_parts(parts, Consent(None, consent.without_approval, leave_out, reason=consent.reason))
    except Refused as refused:
        db.session.rollback()
        raise click.ClickException(f"Line {refused.line}: {refused.sentence}") from None
    except PilothouseError as error:
        db.session.rollback()
        raise click.ClickException(error.sentence) from None
    db.session.commit()
    _say(found, [(place.slug, imported) for (place, _), imported in zip(parts, done, strict=True)])


def _preview(found: Import, plans: Sequence[Plan]) -> None:
    for line in lines_of(found, plans):
        click.echo(line)
    is_refused = any(plan.refused for plan in plans)
    db.session.rollback()
    if is_refused:
        raise click.ClickException("Nothing would be imported while flags are refused.")


def _say(found: Import, done: Sequence[Any]) -> None:
    for note in found.notes:
        click.echo(note, err=True)
    for slug, imported in done:
        for warned in imported.warnings:
            click.echo(f"Warning: {warned.sentence} {warned.named}", err=True)
        click.echo(
            f"{len(imported.changed)} flags set in {slug} ({len(imported.created)} of them new), "
            f"{imported.unchanged} as before."
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
