"""The list of flags: first which ones, then only what their rows show, in a constant number of questions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Row, func, select

from dashboard.flags import list_filters, ranking, rules, staleness, usage_queries, wire
from dashboard.flags.list_filters import last_change
from dashboard.flags.list_kept import kept
from dashboard.flags.matrix_sql import CHOICES, ROWS, SETTINGS, STORED_CHOICES
from dashboard.flags.models import Flag, FlagRevision
from dashboard.flags.queries import Standing, Told
from dashboard.flags.staleness import Ground, Place, Reason
from dashboard.lists import ListPage, ListQuery
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import all_environments

LONGEST_VALUE = 200
STANDS = select(last_change(), select(func.sum(FlagRevision.revision)).scalar_subquery())


@dataclass
class MatrixCell(Standing):
    """A flag in one environment; of its setting `value_json` is the default variant's, cut when it is long."""

    environment: Environment
    setting: Row[*tuple[Any, ...]] | None
    type: str
    kind: str
    place: Place | None
    read: staleness.Read | None

    @property
    def told(self) -> Told:
        """What is shown: state, reach, what is served, its value, which of both stands there, if a rule decides."""
        setting = self.setting
        if setting is None or not setting.enabled:
            return self.state, "", "", "", "", False
        serves, value = setting.serves, self.value
        shown = value if self.kind == "configuration" else rules.shortened(serves or "", 24)
        return "on", setting.reach, serves, value, shown, setting.is_targeted

    @property
    def serves(self) -> str | None:
        """The variant that everybody gets who is not targeted; None: the default in code."""
        return self.setting.serves if self.setting and self.setting.enabled else None

    @property
    def value(self) -> str:
        """The default variant's value as JSON, shortened."""
        raw = self.setting.value_json if self.setting else None
        if raw is None:
            return ""
        whole = len(raw) < LONGEST_VALUE and "\\u" in raw
        return rules.shortened(wire.write_value(json.loads(raw), self.type) if whole else raw, 40)

    @property
    def is_targeted(self) -> bool:
        return bool(self.setting and self.setting.is_targeted)

    def json(self) -> dict[str, Any]:
        setting = self.setting
        return {
            "id": setting.public_id if setting else None,
            "state": self.state,
            "reach": self.reach,
            "version": self.version,
            "variant": self.serves,
            "targeted": self.is_targeted,
            "created_at": setting.created_at if setting else None,
            "updated_at": setting.updated_at if setting else None,
            "seen_at": setting.seen_at if setting else None,
            "single_at": setting.single_at if setting else None,
            "bulk_at": self.place.bulk_at if self.place else None,
            "read": self.read,
        }


@dataclass
class MatrixRow:
    """A flag in every environment, with its use; `evaluations` of the last 24 hours, None where nobody counts."""

    flag: Row[Any]
    cells: Sequence[MatrixCell]
    seen_at: datetime | None
    hours: Sequence[int]
    evaluations: int | None
    reasons: Sequence[Reason]

    @property
    def places(self) -> Sequence[Place]:
        return [cell.place for cell in self.cells if cell.place]

    @property
    def single_at(self) -> datetime | None:
        """When it was last asked for by its own name anywhere."""
        return max((place.single_at for place in self.places if place.single_at), default=None)

    @property
    def bulk_at(self) -> datetime | None:
        """When it was last handed out among all flags anywhere: nobody knows whether it was read."""
        return max((place.bulk_at for place in self.places if place.bulk_at), default=None)

    @property
    def stale(self) -> Sequence[Reason]:
        return [reason for reason in self.reasons if not reason.is_unknown]

    @property
    def unknown(self) -> Sequence[Reason]:
        return [reason for reason in self.reasons if reason.is_unknown]

    def json(self) -> dict[str, Any]:
        return self._shared() | {
            "stale": [{"reason": reason.name, "sentence": reason.sentence} for reason in self.reasons],
            "environments": {cell.environment.slug: cell.json() for cell in self.cells if cell.setting},
        }

    def csv(self) -> dict[str, Any]:
        reasons = {"stale": ", ".join(reason.name for reason in self.reasons)}
        return self._shared() | reasons | {cell.environment.slug: cell.reach for cell in self.cells}

    def _shared(self) -> dict[str, Any]:
        names = ("key", "type", "kind", "owner", "tags", "description", "expected_life_d", "created_at", "archived_at")
        return {name: getattr(self.flag, name) for name in names} | {
            "updated_at": self.flag.changed_at,
            "updated_by": self.flag.changed_by,
            "seen_at": self.seen_at,
            "single_at": self.single_at,
            "bulk_at": self.bulk_at,
            "evaluations": self.evaluations,
        }


def matrix(query: ListQuery, places: Sequence[Environment], now: datetime) -> ListPage[MatrixRow]:
    """Flags that fit the search and the filters, with what they are in every environment.

    Which ones may take a look at all flags; who comes back before a flag was changed finds them kept.
    """
    known = usage_queries.grounds(now)
    as_of, revision = db.session.execute(STANDS).one()
    asked = (query.q, query.sort, query.dir, query.page, *sorted(query.filters.items()), revision)
    find = partial(_page, query, known, as_of, now)
    ids, count = kept(asked, as_of, now, find) if query.limit == query.spec.page_size else find()
    return ListPage(_rows(ids, places, known, now), count, query, as_of)


def _page(
    query: ListQuery, known: Mapping[int, Ground], as_of: datetime | None, now: datetime
) -> tuple[list[int], int]:  # fmt: skip
    """The flags of the page, and how many there are in all; a search counts in the same pass."""
    if found := list_filters.stored_page(query, as_of, now):
        return found
    fitting = list_filters.conditions(query, known, as_of, now)
    every = select(func.count()).select_from(Flag).where(*fitting)
    total = func.count().over() if query.q or query.filters else every.scalar_subquery()
    wanted = list_filters.ids_of(query, fitting, as_of, now).add_columns(total)
    if rows := db.session.execute(wanted.limit(query.limit).offset(query.offset)).all():
        return [row[0] for row in rows], rows[0][1]
    return [], (db.session.scalar(every) or 0) if query.offset else 0


def row_of(flag_id: int) -> MatrixRow:
    """One row, as the list has it."""
    now = datetime.now(UTC)
    return _rows([flag_id], all_environments(), usage_queries.grounds(now), now)[0]


def owners_and_tags(as_of: datetime | None, now: datetime) -> tuple[list[str], list[str]]:
    """What the filters offer; flags changed `as_of`."""

    def find() -> tuple[list[str], list[str]]:
        asked = {"name": ranking.CHOICES, "oldest": ranking.oldest(now, as_of)}
        owners, tags = db.session.execute(STORED_CHOICES, asked).one()
        if not owners and not tags:
            owners, tags = db.session.execute(CHOICES).one()
        return owners, tags

    return kept("choices", as_of, now, find)


def _rows(
    ids: Sequence[int], places: Sequence[Environment], known: Mapping[int, Ground], now: datetime
) -> list[MatrixRow]:
    hours = usage_queries.last_hours(now)
    asked = {"flag_ids": list(ids), "longest": LONGEST_VALUE}
    settings = {(row[0], row[1]): row for row in db.session.execute(SETTINGS, asked)}
    asked = {
        "flag_ids": list(ids),
        "environment_ids": [place.id for place in places],
        "since": hours[0],
    }
    rows = []
    for flag in db.session.execute(ROWS, asked) if ids else ():
        cells = [_cell(flag, place, settings.get((flag.id, place.id)), known[place.id], now) for place in places]
        rows.append(_row(flag, cells, _hours(flag.counts), now))
    return rows


def _cell(flag: Row[Any], place: Environment, setting: Row[Any] | None, ground: Ground, now: datetime) -> MatrixCell:
    """What is archived is not among all flags."""
    if setting is None:
        return MatrixCell(place, None, flag.type, flag.kind, None, None)
    here = Place(
        place.slug, setting.outcome, setting.settled_at, setting.created_at, setting.seen_at, setting.single_at,
        ground if flag.archived_at is None else replace(ground, bulk_at=None),
    )  # fmt: skip
    return MatrixCell(place, setting, flag.type, flag.kind, here, staleness.read_of(here, now))


def _row(flag: Row[Any], cells: Sequence[MatrixCell], hours: Sequence[int], now: datetime) -> MatrixRow:
    places = [cell.place for cell in cells if cell.place]
    reasons = staleness.reasons_of(
        kind=flag.kind, created_at=flag.created_at, expected_life_d=flag.expected_life_d,
        archived_at=flag.archived_at, places=places, now=now,
    )  # fmt: skip
    is_counted = bool(hours) or any(place.ground.counted_since for place in places)
    total = sum(hours) if is_counted else None
    seen_at = max((place.seen_at for place in places if place.seen_at), default=None)
    return MatrixRow(flag, cells, seen_at, hours, total, reasons)


def _hours(counts: str | None) -> Sequence[int]:
    """“number of the hour, count, …” of the hours that had evaluations as a count for each of the last ones."""
    if counts is None:
        return ()
    numbers, hours = [int(word) for word in counts.split()], [0] * usage_queries.SPARK_HOURS
    for hour, count in zip(numbers[::2], numbers[1::2], strict=True):
        if hour < len(hours):
            hours[hour] = count
    return tuple(hours)
