"""Keep what a reading of a history found; the collection's runner commits."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.dialects.postgresql import insert

from dashboard.history import queries
from dashboard.history.models import HeadMove, HistoryReading, Revision
from dashboard.history.reading import RevisionFile
from dashboard.history.rules import Move, Standing
from dashboard.store import db

TOOL = "alembic"
ROWS_AT_ONCE = 500


def add_moves(
    target_id: int, places: Mapping[str, list[str]], last: HistoryReading | None, now: datetime
) -> list[Move]:
    """Record which version tables have other heads than at the last reading; a table that is gone has none."""
    before: dict[str, list[str]] = {} if last is None else last.places
    after = None if last is None else last.read_at
    moves = []
    for place in sorted(before.keys() | places.keys()):
        heads, were = places.get(place, []), before.get(place, [])
        if sorted(heads) == sorted(were) and place in before:
            continue
        seen_before = None if last is None else were
        db.session.add(
            HeadMove(target_id=target_id, place=place, after=after, seen_at=now, heads_before=seen_before, heads=heads)
        )
        moves.append(Move(place, after, now, None if last is None else tuple(were), tuple(heads)))
    db.session.flush()
    return moves


def keep_reading(target_id: int, **found: Any) -> HistoryReading:
    reading = db.session.get(HistoryReading, target_id)
    if reading is None:
        reading = HistoryReading(target_id=target_id, folder_findings=[], findings=[])
        db.session.add(reading)
    for name, value in found.items():
        setattr(reading, name, value)
    return reading


def keep_files(target_id: int, files: Sequence[RevisionFile]) -> None:
    """Make the stored revisions those of the folder; the first file of a revision that is declared twice counts."""
    first = {file.revision: file for file in reversed(files)}
    _forget(target_id, Revision.path.is_not(None) & Revision.revision.not_in(first))
    rows = [_file_row(target_id, place, file) for place, file in enumerate(files) if first[file.revision] is file]
    for start in range(0, len(rows), ROWS_AT_ONCE):
        statement = insert(Revision).values(rows[start : start + ROWS_AT_ONCE])
        fresh = {name: statement.excluded[name] for name in rows[0] if name not in {"target_id", "revision"}}
        db.session.execute(
            statement.on_conflict_do_update(index_elements=[Revision.target_id, Revision.revision], set_=fresh)
        )
    db.session.expire_all()


def keep_standings(target_id: int, found: Mapping[str, Standing], heads: Collection[str]) -> None:
    """Store what was judged, in the order of applying; heads that no file declares get rows of their own."""
    _forget(target_id, Revision.path.is_(None) & Revision.revision.not_in(list(found)))
    stored = {row.revision: row for row in queries.judged(target_id)}
    fresh, changed = [], []
    for position, (revision, standing) in enumerate(found.items()):
        judged = {"position": position, "is_head": revision in heads, **vars(standing)}
        row = stored.get(revision)
        if row is None:
            fresh.append(_outside(target_id, revision) | judged)
        elif any(getattr(row, name) != value for name, value in judged.items()):
            changed.append({"target_id": target_id, "revision": revision, **judged})
    if fresh:
        db.session.execute(insert(Revision), fresh)
    if changed:
        db.session.execute(update(Revision), changed)


def _forget(target_id: int, which: ColumnElement[bool]) -> None:
    statement = delete(Revision).where(Revision.target_id == target_id, which)
    db.session.execute(statement, execution_options={"synchronize_session": False})


def _file_row(target_id: int, position: int, file: RevisionFile) -> dict[str, Any]:
    return _outside(target_id, file.revision) | {
        "down_revisions": list(file.down_revisions),
        "depends_on": list(file.depends_on),
        "labels": list(file.labels),
        "message": file.message,
        "author": file.author,
        "written_at": file.written_at,
        "path": file.path,
        "source": file.source,
        "position": position,
        "is_head": False,
    }


def _outside(target_id: int, revision: str) -> dict[str, Any]:
    """A revision of which only the name is known."""
    return {
        "target_id": target_id,
        "revision": revision,
        "tool": TOOL,
        "down_revisions": [],
        "depends_on": [],
        "labels": [],
        "message": "",
    }
