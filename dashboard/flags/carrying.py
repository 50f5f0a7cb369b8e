"""A flag changed while a change of it was to come: the steps are put on top of what it is now, or they are void."""

from datetime import UTC, datetime

from dashboard.flags import rules
from dashboard.flags.ledger import document_of, kept_since, write_down
from dashboard.flags.merging import merge
from dashboard.flags.models import Flag, FlagSetting
from dashboard.flags.schedule_models import FlagSchedule
from dashboard.flags.schedule_queries import pending_of, pending_of_flag
from dashboard.security.authors import current_author
from dashboard.targets.models import Environment


def carry(flag: Flag, environment: Environment, setting: FlagSetting) -> None:
    """Called with every new version, before it is kept. A schedule that was approved stands on one version only."""
    found = pending_of(flag.id, environment.id, locked=True)
    if found is None or found.stands_on == setting.version:
        return
    if found.is_approved:
        end(found, "void", f"The flag changed after it was approved, to version {setting.version}.")
        return
    past = [*kept_since(flag, environment, found.base_version), document_of(setting)]
    carried = []
    for _, later in found.steps[found.done_steps :]:
        merged = merge(past, later)
        if merged.document is None or rules.problems_of(rules.definition_of(merged.document), flag.type):
            both = ", ".join(merged.contested) or "what the other change needs"
            end(found, "void", f"Version {setting.version} of the flag changed the same: {both}.")
            return
        carried.append(merged.document)
    found.carried, found.stands_on = carried, setting.version


def end_all(flag: Flag, why: str) -> None:
    """Nothing of this flag is to come any more, anywhere."""
    for found in pending_of_flag(flag.id).values():
        end(found, "void", why)


def end(schedule: FlagSchedule, state: str, why: str | None) -> None:
    """It is over; whoever calls compiles the flag anew. Written down, also in the lane, unless it was carried out."""
    schedule.state, schedule.why, schedule.next_at = state, why, None
    schedule.ended_at, schedule.ended_by = datetime.now(UTC), current_author()
    if state == "done":
        return
    flag, environment = schedule.flag, schedule.environment
    title = f"{flag.key} in {environment.slug}: what was scheduled is {state}"
    told = {"scheduled": schedule.title, "scheduled by": schedule.author}
    write_down("flag.schedule.end", flag, environment, title, before=told, after=told | {"ended": state}, reason=why)
