"""What an import would change, as lines of text."""

from collections.abc import Iterator, Sequence

from dashboard.flags.import_plan import Change, Plan
from dashboard.flags.import_reading import Import
from dashboard.flags.imports import why_not_asked
from dashboard.flags.rules import shortened

LONGEST = 200


def lines_of(found: Import, plans: Sequence[Plan]) -> Iterator[str]:
    yield from found.notes
    for plan in plans:
        yield from _lines_of(plan)


def _lines_of(plan: Plan) -> Iterator[str]:
    yield (
        f"{plan.environment.slug}: {len(plan.added):,} new, {len(plan.changed):,} changed, "
        f"{plan.unchanged:,} unchanged, {len(plan.refused):,} refused"
    )
    for one in plan.refused:
        yield f"  refused, line {one.line}: {one.words}"
    for warned in plan.warnings:
        yield f"  warning: {warned.sentence} {warned.named}"
    if plan.environment.approvals_needed and plan.changes and not why_not_asked(plan):
        yield f"  {waiting_words(len(plan.changes), plan.environment.slug)}"
    if plan.metadata:
        stays = " in the file, stays as it is: it is no part of what is asked for"
        yield f"  metadata of the whole flag set: changed{stays if plan.environment.approvals_needed else ''}"
    for change in plan.changes:
        yield f"  {change.key}: {_kind(change)}"
        if change.setting:
            yield from (
                f"    {item.field}: {_short(item.before)} → {_short(item.after)}" for item in change.differences
            )


def waiting_words(count: int, slug: str) -> str:
    """What is asked for instead of made."""
    asked = "1 request waits" if count == 1 else f"{count:,} requests wait"
    return f"Changes in {slug} need the approval of somebody else: {asked}, one for each flag."


def _kind(change: Change) -> str:
    if change.flag is None:
        return "new flag"
    return "changed" if change.setting else "new here"


def _short(text: str | None) -> str:
    return "nothing" if text is None else shortened(" ".join(text.split()), LONGEST)
