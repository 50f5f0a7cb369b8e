"""The page of live activity on a server with 50,000 locks, against the same page when there are none."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.house import House, house, in_turns, server, table
from bench.pages import add_bare
from tests.conftest import Database

LOCKS, ROUNDS = 50_000, 15
QUESTION = "select count(pg_advisory_lock_shared(n)) from generate_series(1, %s) as n"
HEADS = ("locks", "bare page", "activity", "times bare", "again, unchanged")


@contextmanager
def held(database: Database, locks: int) -> Iterator[None]:
    """A session that holds this many locks on nothing that exists."""
    with database.server.connect(database.name) as holder:
        holder.execute(QUESTION, (locks,))
        yield


def row(one: House, locks: int) -> tuple[str, ...]:
    """Milliseconds of the bare page, of the first look, and of a look as the page itself takes every two seconds."""
    browser, slug = one.browser(), one.slug()
    page = f"/t/{slug}/activity"
    with held(one.database, locks):
        seen = browser.fragment.get(page)
        if f"{locks // 1000} k held or waited for" not in seen.text and locks:
            raise SystemExit("the page does not tell the locks")
        tag = seen.headers["HX-PTag"]
        looks = [
            lambda: browser.get(f"/t/{slug}/bare"),
            lambda: browser.get(page),
            lambda: browser.fragment.get(page, headers={"HX-PTag": tag}),
        ]
        if (answers := [look().status_code for look in looks]) != [200, 200, 304]:
            raise SystemExit(f"answers with {locks} locks: {answers}")
        bare, first, again = in_turns(looks, ROUNDS)
    return f"{locks:,}", _ms(bare), _ms(first), f"{first / bare:.2f}", _ms(again)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def main() -> None:
    with server() as running:
        with running.connect() as connection:
            connection.autocommit = True
            connection.execute("alter system set max_locks_per_transaction = 1000")
        running.stop()
        running.start()
        with house(running, "locks", lambda _: None) as one:
            add_bare(one)
            print(table(HEADS, [row(one, locks) for locks in (0, LOCKS)]))
