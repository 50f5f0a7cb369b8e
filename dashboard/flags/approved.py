"""Changes that were approved: each is checked again as if it came now, then made."""

from collections.abc import Callable, Mapping

from dashboard.errors import Conflict, Invalid, NotFound
from dashboard.flags import edits, everywhere, parts, pinning, rules, schedules, segments, serving, targeting
from dashboard.flags.holding import CANCEL, Proposal
from dashboard.flags.models import Flag
from dashboard.flags.saving import check_version, locked, locked_setting, put


def apply(change: Proposal) -> int:
    """Made, with its `reason`; the version that there is now.

    Raises Invalid, NotFound, Conflict (archived, or changed since `version`) when it cannot be made any more.
    """
    return _BY_ACTION.get(change.action, _definition)(change)


def _definition(change: Proposal) -> int:
    """The document becomes the flag's next version in the environment."""
    flag, setting = locked_setting(_flag_of(change), change.environment)
    definition = rules.definition_of(change.document)
    problems = rules.problems_of(definition, flag.type)
    if gone := set(targeting.references(definition.targeting)) - set(segments.names_of(change.environment)):
        problems["targeting"] = f"There is no segment {min(gone)} any more."
    if problems:
        raise Invalid(problems)
    check_version(flag, change.environment, setting, change.version, change.document)
    made = put(
        flag, change.environment, setting, change.document, action=change.action, reason=change.reason,
        title=change.title, waived="approved",
    )  # fmt: skip
    return made.version


def _archive(change: Proposal) -> int:
    flag = _unchanged_flag(change)
    return edits.archive(flag, version=flag.version, reason=change.reason, waived="approved").version


def _restore(change: Proposal) -> int:
    flag = _unchanged_flag(change)
    return edits.restore(flag, version=flag.version, reason=change.reason, waived="approved").version


def _cancelled_schedule(change: Proposal) -> int:
    """The version of the flag stays what it is."""
    found = schedules.cancel(change.document["schedule"], reason=change.reason, waived="approved")
    return found.stands_on


def _segment(change: Proposal) -> int:
    _refuse_changed_part(change, change.subject)
    sent, is_new = change.document, change.before is None
    return segments.save(
        change.environment, change.subject, sent["description"], sent["rule"], version=0 if is_new else change.version,
        reason=change.reason, title=change.title, waived="approved",
    )  # fmt: skip


def _segment_removal(change: Proposal) -> int:
    _refuse_changed_part(change, change.subject)
    return segments.remove(
        change.environment, change.subject, version=change.version, reason=change.reason, waived="approved"
    )


def _bucketing(change: Proposal) -> int:
    _refuse_changed_part(change, None)
    wanted = change.document["bucketing"]
    return pinning.pin(change.environment, wanted, seen=None, reason=change.reason, waived="approved")


def _unchanged_flag(change: Proposal) -> Flag:
    flag = locked(_flag_of(change).key)
    if everywhere.changes_of(flag) != change.version:
        raise Conflict(f"{flag.key} was changed since.")
    place = everywhere.waits_in(flag)
    if place and place.id != change.environment.id:
        raise Conflict(f"By now {place.slug} needs more approvals than {change.environment.slug}: ask again.")
    return flag


def _refuse_changed_part(change: Proposal, segment: str | None) -> None:
    serving.hold(change.environment)
    if parts.newest(change.environment, segment) != change.version:
        raise Conflict(f"{change.subject} was changed since.")


def _flag_of(change: Proposal) -> Flag:
    if change.flag is None:
        raise NotFound(f"There is no flag {change.subject} any more.")
    return change.flag


_BY_ACTION: Mapping[str, Callable[[Proposal], int]] = {
    "flag.archive": _archive,
    "flag.restore": _restore,
    CANCEL: _cancelled_schedule,
    "segment.set": _segment,
    "segment.remove": _segment_removal,
    "flag.bucketing": _bucketing,
}
