"""The list of migrations and the page of one: who may see them, in which shapes, in which states."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from dashboard.history.models import HeadMove, HistoryReading, Revision
from dashboard.targets.models import ProbeState, Target

T0 = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOSTILE = """<script>alert("1")</script> 'x' ☃ {{ 7*7 }}"""
PLACE = "public.alembic_version"


def revision(target: Target, name: str, position: int, parents: list[str], **more: Any) -> Revision:
    columns = {
        "message": f"do {name}", "path": f"{name}.py", "source": f"revision = {name!r}", "state": "pending",
        "author": None, "labels": [], "evidence": None, "applied_after": None, "applied_before": None,
    }  # fmt: skip
    return Revision(
        target_id=target.id, revision=name, tool="alembic", down_revisions=parents, depends_on=[],
        written_at=T0, position=position, is_head=False, **(columns | more),
    )  # fmt: skip


@pytest.fixture
def history(store: Session, target: Target) -> Target:
    """Three revisions: one from before, one seen coming, one waiting; the names are anybody's."""
    applied = {"state": "applied", "applied_before": T0}
    store.add_all(
        [
            revision(target, "a1", 0, [], **applied, evidence="before_recording"),
            revision(target, "b1", 1, ["a1"], **applied, evidence="elsewhere", applied_after=T0 - timedelta(minutes=1)),
            revision(target, "c/1 ☃", 2, ["b1", "a1"], message=HOSTILE, author=HOSTILE, labels=[HOSTILE]),
            HeadMove(target_id=target.id, place=PLACE, after=None, seen_at=T0, heads_before=None, heads=["b1"]),
            HistoryReading(
                target_id=target.id, read_at=T0, folder="/srv/shop", folder_signature="x", folder_problem=None,
                places={PLACE: ["b1"]}, findings=[],
                folder_findings=[{"tone": "warn", "subject": HOSTILE, "sentence": HOSTILE}],
            ),
        ]
    )  # fmt: skip
    store.commit()
    return target


def test_anonymous_is_sent_to_the_sign_in(client: Any, history: Target) -> None:
    for url in ("/t/shop/migrations", "/t/shop/migrations/a1"):
        assert client.get(url).status_code in {302, 303}
        assert client.get(f"{url}?format=json").status_code == 401


def test_a_viewer_sees_what_waits_first_and_then_the_newest(as_viewer: Any, history: Target) -> None:
    answer = as_viewer.get("/t/shop/migrations")
    assert answer.status_code == 200
    rows = answer.text.split("<tbody>")[1]
    assert rows.index(">c/1 ☃<") < rows.index(">b1<") < rows.index(">a1<")
    assert 'class="lanes"' in answer.text


def test_as_json_each_row_has_the_words_of_the_contract(as_viewer: Any, history: Target) -> None:
    found = as_viewer.get("/t/shop/migrations?format=json").get_json()
    assert (found["total"], found["page"], found["as_of"]) == (3, 1, "2026-11-21T12:00:00.000Z")
    seen = [
        {name: row[name] for name in ("tool", "revision", "down_revisions", "state", "evidence")}
        for row in found["rows"]
    ]
    assert seen[0] == {
        "tool": "alembic", "revision": "c/1 ☃", "down_revisions": ["b1", "a1"], "state": "pending", "evidence": None,
    }  # fmt: skip
    assert [(row["state"], row["evidence"]) for row in seen[1:]] == [
        ("applied", "elsewhere"),
        ("applied", "before_recording"),
    ]


def test_as_csv_the_same_rows(as_viewer: Any, history: Target) -> None:
    answer = as_viewer.get("/t/shop/migrations?format=csv")
    assert answer.mimetype == "text/csv"
    assert [line.split(",")[1] for line in answer.text.splitlines()] == ["revision", "c/1 ☃", "b1", "a1"]


def test_the_fragment_is_the_page_without_its_frame(as_viewer: Any, history: Target) -> None:
    answer = as_viewer.fragment.get("/t/shop/migrations?q=b1")
    assert "<!doctype" not in answer.text
    assert "<title>Migrations" in answer.text
    assert ">a1<" not in answer.text.split("When the database moved")[0]


@pytest.mark.parametrize(
    "sort", ["tool", "revision", "down_revisions", "state", "evidence", "message", "applied_before"]
)
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_every_field_of_the_rows_sorts(as_viewer: Any, history: Target, sort: str, direction: str) -> None:
    answer = as_viewer.get(f"/t/shop/migrations?sort={sort}&dir={direction}&format=json")
    assert answer.status_code == 200
    assert answer.get_json()["total"] == 3


@pytest.mark.parametrize("query", ["sort=nothing", "dir=up", "page=0", "page=x", "format=xml", "state=odd", "q=%00"])
def test_what_cannot_be_asked_is_refused_with_the_field(as_viewer: Any, history: Target, query: str) -> None:
    answer = as_viewer.get(f"/t/shop/migrations?{query}", headers={"Accept": "application/json"})
    assert answer.status_code == 422
    assert query.split("=", maxsplit=1)[0] in answer.get_json()["error"]["fields"]


def test_unknown_targets_and_revisions_are_not_found(as_viewer: Any, history: Target) -> None:
    for url in ("/t/none/migrations", "/t/none/migrations/a1", "/t/shop/migrations/zz", "/t/shop/migrations/a%00"):
        assert as_viewer.get(url).status_code == 404
        assert as_viewer.fragment.get(url).status_code == 404


def test_the_pages_are_only_read(as_admin: Any, history: Target) -> None:
    for url in ("/t/shop/migrations", "/t/shop/migrations/a1"):
        assert as_admin.post(url).status_code == 405


def test_a_revision_shows_its_window_its_neighbours_and_its_source(as_viewer: Any, history: Target) -> None:
    text = as_viewer.get("/t/shop/migrations/b1").text
    assert "no later than" in text
    assert 'href="/t/shop/migrations/a1"' in text
    assert 'href="/t/shop/migrations/c/1%20%E2%98%83"' in text
    assert '<span class="tok-string">&#39;b1&#39;</span>' in text


def test_hostile_names_are_text_on_both_pages(as_viewer: Any, history: Target) -> None:
    for url in ("/t/shop/migrations", "/t/shop/migrations/c/1%20%E2%98%83"):
        text = as_viewer.get(url).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text
        assert "{{ 7*7 }}" in text


def test_the_list_asks_the_store_a_fixed_number_of_questions(
    as_viewer: Any, app: Any, history: Target, queries: Any
) -> None:
    as_viewer.get("/t/shop/migrations")
    with queries(app) as seen:
        as_viewer.get("/t/shop/migrations")
    assert len([statement for statement in seen if "revision" in statement or "history" in statement]) <= 7


@pytest.fixture
def states(store: Session, target: Target) -> Iterator[Any]:
    """Say what the probe last met, without any row."""

    def say(state: str | None, places: dict[str, list[str]] | None = None, problem: str | None = None) -> None:
        if state:
            store.add(
                ProbeState(
                    target_id=target.id, probe="history", state=state, reason="It may not be read.", as_of=None,
                    remedy_sql="GRANT SELECT ON alembic_version TO watcher;", tried_at=T0, duration_ms=1, rows=0,
                )
            )  # fmt: skip
        if places is not None:
            store.add(
                HistoryReading(
                    target_id=target.id, read_at=T0, folder="/srv/x" if problem else None, folder_signature=None,
                    folder_problem=problem, places=places, findings=[], folder_findings=[],
                )
            )  # fmt: skip
        store.commit()

    return say


@pytest.mark.parametrize("state", ["partial", "unavailable"])
def test_what_was_not_read_stands_above_what_is_known(as_viewer: Any, history: Target, states: Any, state: str) -> None:
    states(state)
    text = as_viewer.get("/t/shop/migrations").text
    assert "It may not be read." in text
    assert ">b1<" in text


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ((None,), "The first reading is under way"),
        (("unavailable",), "The migration history cannot be read"),
        (("ok", {}), "This database has no migration history"),
        (("ok", {PLACE: []}), "No migration was applied yet"),
        (("ok", {}, "There is no such folder."), "The versions folder could not be read. There is no such folder."),
    ],
)
def test_every_state_without_rows_says_what_it_is(
    as_viewer: Any, states: Any, said: tuple[Any, ...], sentence: str
) -> None:
    states(*said)
    assert sentence in as_viewer.get("/t/shop/migrations").text
