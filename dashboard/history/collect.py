"""Each minute: where a database's heads are, and what its versions folder holds."""

from dataclasses import dataclass, field

from dashboard.changes.record import record
from dashboard.history import edits, queries
from dashboard.history.models import HistoryReading
from dashboard.history.reading import FolderUnreadable, RevisionFile, list_folder, read_folder
from dashboard.history.rules import (
    Finding,
    Graph,
    Move,
    ahead_of_code,
    build,
    declared_twice,
    heads_now,
    outcome,
    standings,
)
from dashboard.targets.collection import Collection
from dashboard.targets.failures import TargetRefused
from dashboard.targets.probes import Probe

PROBE = "history"
CADENCE = "minute"
MOST_HEADS = 100
VERSION_TABLES = Probe.read(__file__, "version_tables.sql")
Places = dict[str, list[str]]


@dataclass(frozen=True)
class FolderNews:
    """What is new about the folder; `files` is None when it is as it was, or cannot be read at the moment."""

    signature: str | None
    files: list[RevisionFile] | None = None
    findings: list[Finding] = field(default_factory=list)
    problem: str | None = None


def collect(collection: Collection) -> None:
    target_id, now = collection.target.id, collection.now
    last = queries.last_reading(target_id)
    places = _places(collection, {} if last is None else last.places)
    moves = edits.add_moves(target_id, places, last, now)
    news = _folder_news(collection.target.migrations_dir, last)
    if news.files is not None:
        edits.keep_files(target_id, news.files)
    reading = edits.keep_reading(
        target_id,
        read_at=now,
        places=places,
        folder=collection.target.migrations_dir,
        folder_signature=news.signature,
        folder_problem=news.problem,
    )
    if news.files is not None:
        twice = declared_twice([file.node() for file in news.files])
        reading.folder_findings = [vars(finding) for finding in (*news.findings, *twice)]
    if last is None or moves or news.files is not None:
        _judge(collection, reading, moves)
    collection.done(len(places))


def _judge(collection: Collection, reading: HistoryReading, new_moves: list[Move]) -> None:
    """Work out what every revision is now, and tell the change lane what the new moves did."""
    target_id = collection.target.id
    graph = build(queries.nodes(target_id))
    moves = queries.moves(target_id)
    found = standings(graph, moves)
    heads = {head for heads in heads_now(moves).values() for head in heads}
    edits.keep_standings(target_id, found, graph.heads | (heads - graph.parents.keys()))
    ahead = ahead_of_code(graph, moves) if graph.order else []
    reading.findings = [vars(finding) for finding in (*ahead, *graph.findings)]
    _tell(collection, graph, moves, len(new_moves))


def _tell(collection: Collection, graph: Graph, moves: list[Move], new: int) -> None:
    messages = queries.messages(collection.target.id) if new else {}
    for end in range(len(moves) - new + 1, len(moves) + 1):
        move = moves[end - 1]
        change = outcome(standings(graph, moves[: end - 1]), standings(graph, moves[:end]), messages)
        if move.heads_before is None or change is None:
            continue
        record(
            "migration",
            change.title,
            subject=change.subject,
            target_id=collection.target.id,
            environment_id=collection.target.environment_id,
            at=move.seen_at,
            noticed_after=move.after,
            detail={"table": move.place, "applied": change.applied, "rolled_back": change.rolled_back},
            dedupe_key=f"migration:{collection.target.id}:{move.place}:{move.seen_at.isoformat()}",
        )


def _places(collection: Collection, before: Places) -> Places:
    """The heads in every table named alembic_version; one that may not be read is taken to be as it was."""
    tables = collection.reader.ask(VERSION_TABLES)
    hidden = [table for table in tables if not table["readable"]]
    if hidden:
        remedy = "\n".join(
            f"GRANT USAGE ON SCHEMA {table['quoted_schema']} TO {table['quoted_role']};\n"
            f"GRANT SELECT ON {table['place']} TO {table['quoted_role']};"
            for table in hidden
        )
        sentence = f"The watching role may not read {', '.join(table['place'] for table in hidden)}."
        if len(hidden) == len(tables):
            raise TargetRefused("42501", sentence, remedy)
        collection.partial(sentence, remedy)
    places = {table["place"]: before[table["place"]] for table in hidden if table["place"] in before}
    for table in tables:
        if table["readable"]:
            # The name comes from quote_ident() of the same server, so that it cannot end the statement.
            question = f"SELECT version_num FROM {table['place']} ORDER BY version_num LIMIT {MOST_HEADS}"  # noqa: S608
            rows = collection.reader.rows(question)
            places[table["place"]] = [str(row["version_num"]) for row in rows if row["version_num"] is not None]
    return places


def _folder_news(place: str | None, last: HistoryReading | None) -> FolderNews:
    known = last.folder_signature if last is not None and last.folder == place else None
    if place is None:
        return FolderNews(None, files=[] if last is None or last.folder is not None else None)
    try:
        folder = list_folder(place)
    except FolderUnreadable as refused:
        moved = last is None or last.folder != place
        return FolderNews(known, files=[] if moved else None, problem=refused.sentence)
    if folder.signature == known:
        return FolderNews(known)
    files, findings = read_folder(folder)
    return FolderNews(folder.signature, files, findings)
