"""What touches a flag in every environment at once, and which of them says how many have to agree."""

from collections.abc import Sequence

from sqlalchemy import func, select

from dashboard.flags.models import Flag, FlagSetting
from dashboard.store import db
from dashboard.targets.models import Environment

# Every change of a flag counts one here, wherever it was made: versions only grow, and so does their sum.
CHANGES = Flag.version + func.coalesce(
    select(func.sum(FlagSetting.version)).where(FlagSetting.flag_id == Flag.id).correlate(Flag).scalar_subquery(), 0
)


def changes_of(flag: Flag) -> int:
    """How often it was changed: what all environments share and what each of them does with it, taken together."""
    return int(db.session.scalars(select(CHANGES).where(Flag.id == flag.id)).one())


def places_of(flag: Flag) -> list[Environment]:
    """The environments that it is set in, in the order in which they are held."""
    wanted = select(Environment).join(FlagSetting, FlagSetting.environment_id == Environment.id)
    return list(db.session.scalars(wanted.where(FlagSetting.flag_id == flag.id).order_by(Environment.id)))


def waits_in(flag: Flag) -> Environment | None:
    """Whose approvals archiving and restoring it wait for."""
    return strictest(places_of(flag))


def strictest(places: Sequence[Environment]) -> Environment | None:
    """The one whose approvals a change of all of them waits for; None: it waits for nobody."""
    guarded = [place for place in places if place.approvals_needed]
    return max(guarded, key=lambda one: (one.approvals_needed, one.is_production, one.position), default=None)
