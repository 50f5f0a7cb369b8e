"""What the rules of replication see: standbys and followers that are behind or gone, and slots that hold WAL (pure)."""

from datetime import UTC, datetime, timedelta

from dashboard.alerts.rules import Gone, Setting, TargetFacts, Told, Unheard
from dashboard.formats import bytes_text, duration_text

PAGE = "server/replication"
THIS_SERVER = "this server"


def lag(facts: TargetFacts, setting: Setting, now: datetime) -> list[Told] | None:
    """How far each is behind, and who is gone: a follower that left while its alert fires did not catch up by that."""
    if facts.lags_s is None:
        return None
    remedy = "See whether it still receives, replays or waits: network, disk of the standby, a conflicting query."
    told: list[Told] = [
        (name, lag, f"{name} is {_time_text(lag)} behind on {facts.slug}", remedy, PAGE)
        for name, lag in facts.lags_s.items()
    ]
    if facts.unheard is not None and THIS_SERVER in facts.lags_s:
        told.append(_unheard(facts.slug, facts.unheard))
    gone = facts.gone.items()
    return told + [_gone(facts, name, one, setting, now) for name, one in gone if not _is_back(facts, one, setting)]


def _unheard(slug: str, unheard: Unheard) -> Told:
    title = f"{slug} is not connected to its primary since {_when_text(unheard.since)}"
    remedy = (
        "Nothing came since then, from the primary or an archive. See that the primary runs and lets it in, that its "
        "primary_conninfo and slot are right, and what its log says."
    )
    return (THIS_SERVER, unheard.seconds, title, remedy, PAGE)


def _gone(facts: TargetFacts, name: str, gone: Gone, setting: Setting, now: datetime) -> Told:
    """At least as bad as what the alert fired from: how far it is behind is not known any more."""
    title = f"{name} is no longer connected to {facts.slug}, last seen {_when_text(gone.seen_at)}"
    remedy = (
        "It was behind when it left. Bring it back, and this ends when it has caught up; if it was removed for good, "
        "silence this: it ends by itself a day after it was last seen."
    )
    return (name, max(setting.threshold, (now - gone.seen_at).total_seconds()), title, remedy, PAGE)


def _is_back(facts: TargetFacts, gone: Gone, setting: Setting) -> bool:
    """Whether one of its application came since under another address, and is not behind."""
    lags = [(facts.lags_s or {}).get(name) for name in gone.back]
    return any(lag is not None and lag < setting.threshold for lag in lags)


def _time_text(seconds: float | None) -> str:
    return "an unknown time" if seconds is None else duration_text(timedelta(seconds=seconds))


def _when_text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def slots(facts: TargetFacts, setting: Setting, _now: datetime) -> list[Told] | None:
    if facts.slots is None:
        return None
    return [
        (
            one.name,
            setting.threshold if one.is_lost else float(one.retained_bytes or 0),
            f"Slot {one.name} of {facts.slug} "
            + ("was lost" if one.is_lost else f"holds {bytes_text(one.retained_bytes)} of WAL"),
            f"{one.why} Bring its consumer back, or drop the slot before the disk is full.",
            PAGE,
        )
        for one in facts.slots
    ]
