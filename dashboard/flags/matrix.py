"""The list of flags: first which ones, then only what their rows show, in a constant number of questions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, func, select, text

from dashboard.flags import list_filters, rules, staleness, usage_queries, wire
from dashboard.flags.list_filters import ids_of, last_change
from dashboard.flags.list_kept import kept
from dashboard.flags.matrix_sql import CHOICES, ROWS, SETTINGS
from dashboard.flags.models import FlagRevision
from dashboard.flags.queries import Standing, Told
from dashboard.flags.staleness import Ground, Place, Reason
from dashboard.lists import ListPage, ListQuery
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import all_environments

LONGEST_VALUE = 200
Page = tuple[list[int], int, datetime | None]


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
            "id": str(setting.public_id) if setting else None,
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
    """Flags that fit the search and the filters, with what they are in every environment."""
    known = usage_queries.grounds(now)
    is_filtered = query.q or query.filters or query.sort in list_filters.BY_USE
    ids, count, as_of = _some_of_those_that_fit(query, known, now) if is_filtered else _some_of_all(query, known, now)
    return ListPage(_rows(ids, places, known, now), count, query, as_of)


def _some_of_all(query: ListQuery, known: Mapping[int, Ground], now: datetime) -> Page:
    """By an index, so that the first look is as short as the next one."""
    wanted = ids_of(query, known, now)
    total = select(func.count()).select_from(wanted.order_by(None).subquery()).scalar_subquery()
    found = db.session.execute(wanted.add_columns(total, last_change()).limit(query.limit).offset(query.offset)).all()
    _, count, as_of = found[0] if found else (0, *db.session.execute(select(total, last_change())).one())
    return [row[0] for row in found], count, as_of


def _some_of_those_that_fit(query: ListQuery, known: Mapping[int, Ground], now: datetime) -> Page:
    """Finding them takes a look at all flags; who turns the page or comes back meanwhile finds them kept."""
    revisions = select(func.sum(FlagRevision.revision)).scalar_subquery()
    as_of, revision = db.session.execute(select(last_change(), revisions)).one()
    asked = (query.q, query.sort, query.dir, *sorted(query.filters.items()), revision)
    ids = kept(asked, as_of, now, lambda: list(db.session.scalars(ids_of(query, known, now))))
    return ids[query.offset : query.offset + query.limit], len(ids), as_of


def row_of(flag_id: int) -> MatrixRow:
    """One row, as the list has it."""
    now = datetime.now(UTC)
    return _rows([flag_id], all_environments(), usage_queries.grounds(now), now)[0]


def owners_and_tags(as_of: datetime | None, now: datetime) -> tuple[list[str], list[str]]:
    """What the filters offer; flags changed `as_of`."""

    def find() -> tuple[list[str], list[str]]:
        owners, tags = db.session.execute(text(CHOICES)).one()
        return owners, tags

    return kept("choices", as_of, now, find)


def _rows(
    ids: Sequence[int], places: Sequence[Environment], known: Mapping[int, Ground], now: datetime
) -> list[MatrixRow]:
    hours = usage_queries.last_hours(now)
    asked = {"flag_ids": list(ids), "longest": LONGEST_VALUE}
    settings = {(row[0], row[1]): row for row in db.session.execute(text(SETTINGS), asked)}
    asked = {
        "flag_ids": list(ids),
        "environment_ids": [place.id for place in places],
        "since": hours[0],
    }
    rows = []
    for flag in db.session.execute(text(ROWS), asked) if ids else ():
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
