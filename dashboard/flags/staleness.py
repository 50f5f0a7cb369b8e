"""Which flags have had their time, each with its reason; what cannot be known is said to be unknown (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

WINDOW = timedelta(days=30)
PASSING = ("release", "experiment")
USUAL_LIFE_D = {"release": 40, "experiment": 40}
REASONS = ("past_life", "one_for_all", "not_evaluated", "unknown")
MOST_NAMES = 3
Read = Literal["read", "new", "unknown", "unread"]


@dataclass(frozen=True)
class Ground:
    """What an environment's counts are worth: since when they exist, when its flags were last downloaded as a whole,
    and when they were last handed out in bulk, to the API keys of which `browsers` and of which `others`.
    """

    counted_since: datetime | None = None
    downloaded_at: datetime | None = None
    bulk_at: datetime | None = None
    browsers: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def tells(self, begin: datetime) -> bool:
        """Whether a flag that nobody asked for by its own name since then was read by nobody."""
        is_counted = self.counted_since is not None and self.counted_since <= begin
        return is_counted and not self.is_downloaded(begin) and not self.is_handed_out(begin)

    def is_downloaded(self, begin: datetime) -> bool:
        return self.downloaded_at is not None and self.downloaded_at > begin

    def is_handed_out(self, begin: datetime) -> bool:
        return self.bulk_at is not None and self.bulk_at > begin


@dataclass(frozen=True)
class Place:
    """A flag in one environment; `outcome` names what everybody gets (None: not all the same) since `settled_at`.

    `seen_at`: last evaluated, also among all flags; `single_at`: last asked for by its own name.
    """

    environment: str
    outcome: str | None
    settled_at: datetime
    set_at: datetime
    seen_at: datetime | None = None
    single_at: datetime | None = None
    ground: Ground = Ground()

    @property
    def bulk_at(self) -> datetime | None:
        """When it was last handed out among all flags, also as unchanged; before it was set it was not."""
        of_all = self.ground.bulk_at
        found = [of_all] if of_all is not None and of_all >= self.set_at else []
        if self.seen_at is not None and self.seen_at != self.single_at:
            found.append(self.seen_at)
        return max(found, default=None)


@dataclass(frozen=True)
class Reason:
    """Why a flag may have had its time, or why that cannot be known, and what to do about it."""

    name: str
    sentence: str
    next_step: str

    @property
    def is_unknown(self) -> bool:
        return self.name == "unknown"


def reasons_of(
    *,
    kind: str,
    created_at: datetime,
    expected_life_d: int | None,
    archived_at: datetime | None,
    places: Sequence[Place],
    now: datetime,
) -> list[Reason]:
    """Empty for a flag that may stay, and for every archived one."""
    if archived_at is not None:
        return []
    found = (_past_life(created_at, expected_life_d, now), _one_for_all(kind, places, now), _unread(places, now))
    return [reason for reason in found if reason is not None]


def read_of(place: Place, now: datetime) -> Read:
    """Whether somebody asked for the flag by its own name in the window; if not, whether that can tell that it is not
    read: who has all flags, in bulk or downloaded, reads some of them.
    """
    begin = now - WINDOW
    if place.single_at is not None and place.single_at > begin:
        return "read"
    if place.set_at > begin:
        return "new"
    return "unread" if place.ground.tells(begin) else "unknown"


def _past_life(created_at: datetime, expected_life_d: int | None, now: datetime) -> Reason | None:
    over_d = (now - created_at).days - expected_life_d if expected_life_d is not None else 0
    if expected_life_d is None or created_at + timedelta(days=expected_life_d) >= now:
        return None
    sentence = f"It was to live {_days(expected_life_d)} and is {_days(over_d)} older." if over_d else (
        f"It was to live {_days(expected_life_d)}, which are over since today."
    )  # fmt: skip
    return Reason("past_life", sentence, "Finish it and take it out of the code, or say how long it is needed.")


def _one_for_all(kind: str, places: Sequence[Place], now: datetime) -> Reason | None:
    """Only of flags that are made to go: a kill switch or a setting may give everybody the same for good."""
    outcomes = {place.outcome for place in places}
    settled_at = max((place.settled_at for place in places), default=now)
    if kind not in PASSING or len(outcomes) != 1 or None in outcomes or settled_at > now - WINDOW:
        return None
    what = "the same variant" if outcomes != {""} else "the default in its code"
    where = "every environment" if len(places) > 1 else places[0].environment
    sentence = f"Everybody gets {what} in {where}, for {_days((now - settled_at).days)}."
    return Reason("one_for_all", sentence, "Leave only that branch in the code, release it, then archive the flag.")


def _unread(places: Sequence[Place], now: datetime) -> Reason | None:
    reads = {place.environment: read_of(place, now) for place in places}
    if not reads or {"read", "new"} & set(reads.values()):
        return None
    if "unknown" in reads.values():
        return _unknown([place for place in places if reads[place.environment] == "unknown"], now)
    last = max((place.seen_at for place in places if place.seen_at), default=None)
    ever = f"the last time was {_days((now - last).days)} ago" if last else "nor since evaluations are counted"
    sentence = f"No application asked for it in {_days(WINDOW.days)}; {ever}."
    return Reason(
        "not_evaluated", sentence, "Look for its key in the code of every application; archive it if none has."
    )


def _unknown(places: Sequence[Place], now: datetime) -> Reason:
    begin = now - WINDOW
    downloaded = [place for place in places if place.ground.is_downloaded(begin)]
    in_bulk = [place for place in places if place.ground.is_handed_out(begin)]
    if not downloaded and not in_bulk:
        young = ", ".join(place.environment for place in places)
        return Reason(
            "unknown",
            f"Whether it is still read cannot be known yet: evaluations in {young} are not counted for "
            f"{_days(WINDOW.days)}.",
            "Wait until they are, or look for its key in the code.",
        )
    causes, steps = [], []
    if downloaded:
        where = ", ".join(place.environment for place in downloaded)
        causes.append(f"all flags of {where} are downloaded, and evaluated where nobody counts")
        steps.append("in the applications that evaluate by themselves")
    if in_bulk:
        where = ", ".join(place.environment for place in in_bulk)
        clients, using = _bulk_clients([place.ground for place in in_bulk])
        causes.append(
            f"all flags of {where} are handed out together to {clients}, and nobody can tell which of them "
            "their code reads"
        )
        steps.append(f"in the code that {using}")
    return Reason(
        "unknown",
        f"Whether it is still read cannot be known: {'; '.join(causes)}.",
        f"Look for its key {' and '.join(steps)}; where none has it, archive it.",
    )


def _bulk_clients(grounds: Sequence[Ground]) -> tuple[str, str]:
    """What kind of clients ask for all flags at once, and by what their code is found."""
    browsers = {name for ground in grounds for name in ground.browsers}
    others = {name for ground in grounds for name in ground.others}
    kind = "applications that ask for all at once"
    if browsers:
        kind = f"browsers and other {kind}" if others else "browsers"
    names = sorted(browsers | others)
    if not names:
        return kind, "asks in bulk"
    listed = ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if names[MOST_NAMES:] else "")
    return kind, f"uses the API key{'s' if names[1:] else ''} {listed}"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count:,} days"
