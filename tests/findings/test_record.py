"""Findings keep their row over collections: they open, stay, end and come back."""

import time
from dataclasses import replace
from datetime import timedelta

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.findings.models import Finding
from tests.findings.conftest import NOW, UNUSED, Keep, many

HOUR = timedelta(hours=1)


def stored(store: Session) -> list[Finding]:
    return list(store.scalars(select(Finding).order_by(Finding.key)))


def test_a_finding_is_stored_with_everything_that_was_said(judged: Keep, store: Session) -> None:
    judged(UNUSED)
    row = stored(store)[0]
    assert (row.source, row.rule, row.level, row.bytes, row.detail) == (
        "indexes", "unused_index", "warning", 16_384, {"scans": 0}
    )  # fmt: skip
    assert UNUSED.remedy
    assert (tuple(row.up), tuple(row.down)) == (UNUSED.remedy.up, UNUSED.remedy.down)
    assert (row.in_transaction, row.since, row.first_seen_at, row.ended_at) == (False, UNUSED.since, NOW, None)


def test_the_same_finding_again_keeps_its_row_and_its_first_time(judged: Keep, store: Session) -> None:
    judged(UNUSED)
    first = stored(store)[0].id
    judged(replace(UNUSED, level="critical", why="0 scans in 41 days."), at=NOW + HOUR)
    row = stored(store)[0]
    assert (row.id, row.first_seen_at, row.level, row.why) == (first, NOW, "critical", "0 scans in 41 days.")


def test_a_finding_that_says_the_same_is_not_written_again(judged: Keep, store: Session) -> None:
    judged(UNUSED)
    written = store.execute(select(Finding.id, Finding.__table__.c.version, Finding.opened_at)).one()
    version_of_row = store.connection().exec_driver_sql("select xmin, ctid from finding").one()
    judged(UNUSED, at=NOW + HOUR)
    assert store.connection().exec_driver_sql("select xmin, ctid from finding").one() == version_of_row
    assert store.execute(select(Finding.id, Finding.version, Finding.opened_at)).one() == written


def test_what_is_no_longer_found_ends_and_reopens_when_it_comes_back(judged: Keep, store: Session) -> None:
    judged(UNUSED)
    judged(at=NOW + HOUR)
    assert stored(store)[0].ended_at == NOW + HOUR
    judged(at=NOW + 2 * HOUR)
    store.expire_all()
    assert stored(store)[0].ended_at == NOW + HOUR
    judged(UNUSED, at=NOW + 3 * HOUR)
    store.expire_all()
    row = stored(store)[0]
    assert (row.ended_at, row.first_seen_at, row.opened_at) == (None, NOW, NOW + 3 * HOUR)


def test_a_source_ends_only_its_own_findings(judged: Keep, store: Session) -> None:
    judged(UNUSED)
    judged(replace(UNUSED, key="bloat:public.orders", rule="bloat"), source="bloat", at=NOW + HOUR)
    assert [row.ended_at for row in stored(store)] == [None, None]


def test_a_finding_without_a_remedy_has_no_statements(judged: Keep, store: Session) -> None:
    judged(replace(UNUSED, remedy=None))
    assert (stored(store)[0].up, stored(store)[0].note) == ([], None)


def test_the_same_key_twice_in_one_run_is_one_finding(judged: Keep, store: Session) -> None:
    judged(UNUSED, UNUSED)
    assert len(stored(store)) == 1


def test_findings_that_ended_long_ago_are_forgotten(judged: Keep, store: Session) -> None:
    judged(UNUSED)
    judged(at=NOW + HOUR)
    judged(at=NOW + timedelta(days=402))
    assert stored(store) == []


def test_hostile_words_are_stored_as_they_are(judged: Keep, store: Session) -> None:
    nasty = "</script>'; drop table finding; -- %(x)s :now {} \\ \" 🐘"
    judged(replace(UNUSED, key=nasty, subject=nasty, title=nasty, why=nasty, detail={nasty: nasty}))
    row = stored(store)[0]
    assert (row.key, row.title, row.detail) == (nasty, nasty, {nasty: nasty})


def test_ten_thousand_findings_are_a_few_statements(judged: Keep, app: Flask, queries, store: Session) -> None:
    findings = many(10_000)
    judged(*findings)
    started = time.monotonic()
    with queries(app) as seen:
        judged(*findings, at=NOW + HOUR)
    assert len(seen) == 8
    assert time.monotonic() - started < 5
    assert len(stored(store)) == 10_000
