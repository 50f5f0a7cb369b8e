"""Which watched targets are servers of one cluster (pure): the same system identifier, and one history."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Member:
    """A target whose server has the system identifier in question; `is_standby` and `timeline` None where hidden."""

    target_id: int
    dbname: str
    is_standby: bool | None
    timeline: int | None


def standbys(target_id: int, members: Sequence[Member]) -> list[int]:
    """The standbys among the members that share the history of this one, itself left out."""
    own = _own(target_id, members)
    if own is None:
        return []
    return [one.target_id for one in members if one.is_standby and one != own and _one_history(own, one)]


def one_cluster(target_id: int, members: Sequence[Member]) -> list[int]:
    """The target itself and every other server's copy of its database that replication keeps the same.

    A restored copy that was opened for writing has the same identifier, but is a primary: it is another database.
    """
    own = _own(target_id, members)
    if own is None:
        return [target_id]
    others = (one for one in members if one != own and one.dbname == own.dbname and _one_history(own, one))
    return [target_id, *(one.target_id for one in others)]


def _own(target_id: int, members: Sequence[Member]) -> Member | None:
    return next((one for one in members if one.target_id == target_id), None)


def _one_history(own: Member, other: Member) -> bool:
    """At most one of two servers writes, and where both tell their timeline, it is the same."""
    if not (own.is_standby or other.is_standby):
        return False
    return own.timeline is None or other.timeline is None or own.timeline == other.timeline
