"""Reading 5,000 statements against the bare `select * from pg_stat_statements(false)`, idle and all active.

Taken in turns in one run: what the server spends on the bare question and on all of ours (by its own account, of the
watching role), and the clock of the bare question with its answer read against that of the whole collection.
"""

import gc
import itertools
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench.house import House, house, seconds_of, server, table
from dashboard.statements.collect import collect
from dashboard.store import db
from dashboard.targets.collection import Collection
from dashboard.targets.connect import address_of, reading
from dashboard.targets.models import Target
from tests.conftest import Database

STATEMENTS, COLUMNS, ROUNDS = 5_000, 18, 7
BARE = "select * from pg_stat_statements(false)"
SPENT = """
select coalesce(sum(total_exec_time + total_plan_time), 0)
from pg_stat_statements
where userid = (select oid from pg_roles where rolname = %s)
"""


@dataclass(frozen=True)
class Taken:
    """Milliseconds of one round."""

    bare_server: float
    bare: float
    ours_server: float
    whole: float


def shapes() -> list[str]:
    """Statements that the server tells apart."""
    columns = [f"c{number}" for number in range(COLUMNS)]
    triples = itertools.islice(itertools.product(columns, repeat=3), STATEMENTS)
    return [f"select {one} from t where {other} = 1 and {third} = 2" for one, other, third in triples]


def run_all(database: Database) -> None:
    with database.server.connect(database.name) as connection, connection.pipeline():
        for statement in shapes():
            connection.execute(statement.encode())


def fill(database: Database) -> None:
    database.execute(f"create table t ({', '.join(f'c{number} int' for number in range(COLUMNS))})")
    run_all(database)


def collected(one: House, slot: datetime) -> None:
    with one.app.app_context():
        target = db.session.get_one(Target, one.target_id)
        with reading(address_of(target)) as reader:
            collect(Collection(target, slot, slot, reader))
        db.session.commit()
        db.session.remove()


def measured(one: House, before: Callable[[], None], first: datetime) -> Taken:
    """The medians of some rounds; `before` is what the database does between two readings."""
    role = f"watch_{one.database.name}"
    rounds = []
    with one.database.server.connect(one.database.name, role) as bare:
        for number in range(ROUNDS):
            before()
            start = spent(one.database, role)
            bare_s = seconds_of(lambda: bare.execute(BARE).fetchall())
            middle = spent(one.database, role)
            slot = first + timedelta(minutes=number)
            whole_s = seconds_of(lambda slot=slot: collected(one, slot))  # type: ignore[misc]
            rounds.append((middle - start, bare_s * 1000, spent(one.database, role) - middle, whole_s * 1000))
            bare.rollback()
    return Taken(*(statistics.median(values) for values in zip(*rounds, strict=True)))


def spent(database: Database, role: str) -> float:
    return float(database.execute(SPENT, (role,))[0][0])


def rows(one: House) -> list[tuple[str, ...]]:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    begin = now - timedelta(hours=1)
    collected(one, begin - timedelta(minutes=1))
    found = {
        "idle": measured(one, lambda: None, begin),
        "all active": measured(one, lambda: run_all(one.database), begin + timedelta(minutes=ROUNDS)),
    }
    return [
        (
            name,
            *(f"{value:.0f}" for value in (taken.bare_server, taken.ours_server)),
            f"{taken.ours_server / taken.bare_server:.2f}",
            *(f"{value:.0f}" for value in (taken.bare, taken.whole)),
            f"{taken.whole / taken.bare:.2f}",
        )
        for name, taken in found.items()
    ]


HEADS = ("statements", "bare: server ms", "ours: server ms", "times", "bare ms", "whole collection ms", "times")


def main() -> None:
    with server() as running:
        with running.connect() as connection:
            connection.autocommit = True
            connection.execute("alter system set pg_stat_statements.max = 20000")
        running.stop()
        running.start()
        with house(running, "statements", fill) as one:
            gc.freeze()  # as a worker does when it begins
            print(f"{STATEMENTS} entries and those of the benchmark itself\n")
            print(table(HEADS, rows(one)))


if __name__ == "__main__":
    main()
