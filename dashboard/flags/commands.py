"""`pilothouse flags`: a file of flags into environments, and an environment as a flagd file."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, BinaryIO, cast

import click

from dashboard.errors import PilothouseError
from dashboard.flags import holding
from dashboard.flags.exact import MAX_FILE, Refused
from dashboard.flags.import_plan import Part, Plan, plans_of
from dashboard.flags.import_reading import EACH, Format, Import, chosen, read_import, text_of
from dashboard.flags.import_words import lines_of, waiting_words
from dashboard.flags.imports import (
    Consent,
    Imported,
    Waits,
    ensure_environment,
    import_parts,
    note_created,
    why_not_asked,
)
from dashboard.flags.queries import document_of
from dashboard.store import db
from dashboard.targets.queries import all_environments, environment_by_slug

UNASKED = "The metadata of the whole flag set is no part of what is asked for: in {slug} it stays as it is."


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
@click.option("--reason", default="", metavar="TEXT", help="Why; the history, requests and the audit log say so.")
def import_flags(file: BinaryIO, **options: Any) -> None:
    """Set every flag of a FILE (flagd JSON, Unleash) in an environment: all of them or, when one is refused, none.

    Where changes of the environment need approvals, each flag is asked for and waits for somebody else.
    """
    reason = options["reason"].strip()
    if bool(options["environment"]) == options["each_environment"]:
        raise click.UsageError("Say --environment ENV or --each-environment.")
    if len(reason) > 1000:
        raise click.UsageError("--reason takes at most 1,000 characters.")
    target = EACH if options["each_environment"] else options["environment"]
    try:
        found = read_import(text_of(file.read(MAX_FILE + 1), file.name), cast("Format | None", options["format_"]))
        chosen_parts = chosen(found, target, options["source"])
        known = {place.slug for place in all_environments()}
        parts = [(ensure_environment(slug), document) for slug, document in chosen_parts]
        if options["dry_run"]:
            _preview(found, plans_of(parts))
            return
        leave_out = options["leave_out_refused"] and found.format == "unleash"
        _say(found, *_carried_out(parts, Consent(leave_out=leave_out, reason=reason or None), known))
    except Refused as refused:
        db.session.rollback()
        raise click.ClickException(f"Line {refused.line}: {refused.sentence}") from None
    except PilothouseError as error:
        db.session.rollback()
        raise click.ClickException(error.sentence) from None


def _carried_out(
    parts: Sequence[Part], consent: Consent, known: Collection[str]
) -> tuple[Sequence[Imported], Sequence[str]]:
    """What was imported and, in words, what waits instead and where. Raises what `import_parts` raises."""
    words = list[str]()
    try:
        done: Sequence[Imported] = import_parts(parts, consent)
    except Waits as held:
        done, counts = held.done, Counter(one.environment.slug for one in held.proposals)
        words = [waiting_words(count, slug) for slug, count in counts.items()]
        words.append(f"See them at {holding.ask(held, None)}")
    words += [UNASKED.format(slug=place.slug) for place, sent in parts if place.approvals_needed and sent.metadata]
    note_created(parts, known)
    db.session.commit()
    return done, words


def _preview(found: Import, plans: Sequence[Plan]) -> None:
    for line in lines_of(found, plans):
        click.echo(line)
    is_refused = any(plan.refused for plan in plans)
    too_many = next(filter(None, map(why_not_asked, plans)), None)
    db.session.rollback()
    if is_refused:
        raise click.ClickException("Nothing would be imported while flags are refused.")
    if too_many:
        raise click.ClickException(too_many)


def _say(found: Import, done: Sequence[Imported], waiting: Sequence[str]) -> None:
    for note in found.notes:
        click.echo(note, err=True)
    for imported in done:
        for warned in imported.warnings:
            click.echo(f"Warning: {warned.sentence} {warned.named}", err=True)
        click.echo(
            f"{len(imported.changed)} flags set in {imported.slug} ({len(imported.created)} of them new), "
            f"{imported.unchanged} as before."
        )
    for line in waiting:
        click.echo(line)


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
