"""The job that reads the workload of the last day and advises indexes; without plans and without HypoPG as well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from dashboard.advice import edits, knowledge, words
from dashboard.advice.asks import Family
from dashboard.advice.costs import Constants
from dashboard.advice.definition import definition, stable_key
from dashboard.advice.edits import Told
from dashboard.advice.models import AdviceRun
from dashboard.advice.queries import last_run
from dashboard.advice.resolve import needs
from dashboard.advice.rules import Advice, advise
from dashboard.advice.scans import scans
from dashboard.advice.shapes import Statement, Table, Unread
from dashboard.advice.statistics import Known, column_statistics, constants, remedy, with_statistics
from dashboard.advice.verify import verified
from dashboard.findings import record
from dashboard.plans.queries import newest_plans
from dashboard.statements.queries import StatementRow
from dashboard.statements.windows import Evidence
from dashboard.targets.collection import Cadence, Collection

PROBE = "advice"
CADENCE: Cadence = "hour"
WINDOW = timedelta(hours=24)
MOST_OF_A_CUT = 100
MOST_FINDINGS = 100
PARSE_S = 10.0
LATE = Unread("late", "The time for reading statements was used up by longer ones; it is looked at in another run.")
UNKNOWN = (
    "Shares of values of {missing} of {all} columns cannot be read: savings are given as wide ranges. The function "
    "below lends widths and counts without any value."
)


@dataclass(frozen=True)
class _Made:
    """One run: what went in, and what came out."""

    evidence: Evidence
    families: Mapping[int, Family]
    catalog: Mapping[str, Sequence[Table]]
    constants: Constants
    known: Known
    columns: int
    advice: Advice


def is_due_sooner(target_id: int, slot: datetime) -> bool:
    """Of a young target: as soon as there is something to judge, then each time that it has doubled."""
    run = last_run(target_id)
    if run is None:
        return knowledge.is_there_work(target_id, WINDOW, slot)
    return run.since is not None and run.until is not None and slot - run.since >= 2 * (run.until - run.since)


def collect(collection: Collection) -> None:
    """Everything of one run; without a reading of the last day the old advice stays as it is."""
    target, now = collection.target, collection.now
    evidence, rows = knowledge.workload(target.id, WINDOW, now, MOST_OF_A_CUT)
    if evidence.first_slot is None:
        if last_run(target.id) is not None:
            collection.partial("No statements were collected in the last 24 hours: this is older advice.")
        return
    made = _made(collection, evidence, rows)
    told = _told(collection, made, {row.id: row.text for row in rows})
    good = [one for one in told if one.is_verified is not False]
    edits.keep_indexes(target.id, good, made.constants.block_bytes, edits.At(evidence.since, evidence.until, now))
    edits.keep_reasons(target.id, made.advice.reasons | _unused(told, good), made.families)
    edits.keep_run(_run(collection, made))
    _keep_findings(collection, made, good)
    collection.done(len(good))
    if made.known.missing:
        collection.partial(UNKNOWN.format(missing=made.known.missing, all=made.columns), remedy(collection))


def _made(collection: Collection, evidence: Evidence, rows: Sequence[StatementRow]) -> _Made:
    families = _families(collection.target.id, rows)
    names = {name for one in families if isinstance(one.statement, Statement) for name in one.statement.tables}
    catalog = knowledge.tables_named(collection.target.id, names, WINDOW, collection.now)
    columns = _columns(families, catalog)
    known = column_statistics(collection, columns)
    told = with_statistics(catalog, known)
    planner = constants(collection.reader)
    advice = advise(families, told, planner, has_trigrams=collection.reader.schema_of("pg_trgm") is not None)
    return _Made(evidence, {one.id: one for one in families}, told, planner, known, len(columns), advice)


def _families(target_id: int, rows: Sequence[StatementRow]) -> list[Family]:
    """Parsed one after the other, those that took most time first; only shapes are kept."""
    from dashboard.advice.parsing import parse

    plans, until = newest_plans(target_id, [row.id for row in rows]), monotonic() + PARSE_S
    found = []
    for row in rows:
        plan = plans.get(row.id)
        statement = parse(row.text) if monotonic() < until else LATE
        found.append(
            Family(
                id=row.id,
                calls=row.calls,
                total_ms=row.total_ms,
                rows=row.rows,
                blocks=row.blocks,
                statement=statement,
                scans=scans(plan.document) if plan is not None else None,
            )
        )
    return found


def _columns(families: Sequence[Family], catalog: Mapping[str, Sequence[Table]]) -> list[tuple[int, int]]:
    """(table, attribute number) of every column that an index could be about."""
    found: dict[tuple[int, int], None] = {}
    for family in families:
        if isinstance(family.statement, Unread):
            continue
        asked, _ = needs(family.statement, catalog, family.scans or ())
        for need in asked:
            names = [*(term.column for term in need.terms), *(item.ref.column for item in need.order)]
            for name in names:
                if (column := need.table.columns.get(name)) is not None:
                    found[need.table.oid, column.number] = None
    return list(found)


def _told(collection: Collection, made: _Made, texts: Mapping[int, str]) -> list[Told]:
    """With SQL, and tried by HypoPG where the server has it."""
    tables = [proposal.table.oid for proposal in made.advice.proposals]
    taken = knowledge.index_names(collection.target.id, tables)
    trigrams = collection.reader.schema_of("pg_trgm")
    told = []
    for one in made.advice.proposals:
        sql = definition(one.table, one.index, taken=taken, trigram_schema=trigrams)
        told.append(Told(stable_key(one.table, one.index), one, sql))
    return verified(collection.target, told, texts)


def _unused(told: Sequence[Told], good: Sequence[Told]) -> dict[int, Unread]:
    """Families whose only index the planner would not use: HypoPG knows better than our estimate."""
    helped = {gain.ask.family.id for one in good for gain in one.proposal.gains}
    return {
        gain.ask.family.id: Unread("not_used", f"An index on {one.proposal.table.label} looked good. {one.verified}")
        for one in told
        for gain in one.proposal.gains
        if gain.ask.family.id not in helped
    }


def _run(collection: Collection, made: _Made) -> AdviceRun:
    families = made.families.values()
    return AdviceRun(
        target_id=collection.target.id,
        at=collection.now,
        since=made.evidence.since,
        until=made.evidence.until,
        is_complete=made.evidence.is_complete,
        families=len(families),
        parsed=sum(isinstance(one.statement, Statement) for one in families),
        planned=sum(one.scans is not None for one in families),
        total_ms=sum(one.total_ms for one in families),
        statistics=made.known.source,
        columns_unknown=made.known.missing,
        has_hypopg=collection.reader.schema_of("hypopg") is not None,
    )


def _keep_findings(collection: Collection, made: _Made, told: Sequence[Told]) -> None:
    total_ms = sum(one.total_ms for one in made.families.values())
    slug, since = collection.target.slug, made.evidence.since
    findings = [
        words.finding(one.proposal, one.definition, one.key, slug, total_ms, since, one.verified)
        for one in told[:MOST_FINDINGS]
    ]
    record.keep(collection.target.id, PROBE, findings, collection.now)
