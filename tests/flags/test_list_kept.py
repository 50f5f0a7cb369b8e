"""What is kept of a look at all flags: until one changes or a minute is over, never longer."""

from datetime import UTC, datetime, timedelta

from dashboard.flags.list_kept import as_array, kept
from tests.flags.conftest import make_flag

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_what_was_found_is_kept_until_a_flag_changes_or_a_minute_is_over(app):
    asked = []

    def look(as_of, seconds):
        def find():
            asked.append(seconds)
            return seconds

        return kept("tests", as_of, NOW + timedelta(seconds=seconds), find)

    with app.app_context():
        assert [look(NOW, 0), look(NOW, 59)] == [0, 0]
        assert look(NOW, 61) == 61
        changed = NOW + timedelta(seconds=62)
        assert [look(changed, 63), look(changed, 64)] == [63, 63]
        assert look(changed, 1) == 1, "a clock that was set back"
    assert asked == [0, 61, 63, 1]


def test_ids_are_one_text():
    assert (as_array([3, 1]), as_array([])) == ("{3,1}", "{}")


def test_a_new_flag_is_in_every_order_and_its_owner_among_the_choices_at_once(app, as_operator, flags):
    for order in ("evaluations", "seen_at"):
        as_operator.get(f"/flags?sort={order}")
    with app.app_context():
        make_flag("search")
    form = {"version": 1, "operation_id": "operation-1", "kind": "release", "owner": "new team", "tags": "new tag"}
    as_operator.post("/flags/search/shared", data=form)
    for order in ("evaluations", "seen_at"):
        rows = as_operator.get(f"/flags?sort={order}&format=json").json["rows"]
        assert [row["key"] for row in rows] == ["checkout", "search"]
    page = as_operator.get("/flags").text
    assert ('<option value="new team">' in page, '<option value="new tag">' in page) == (True, True)


def test_looks_after_the_first_ask_no_more_than_a_plain_one(as_viewer, app, flags, queries):
    counts = {}
    for query in ("", "?sort=evaluations", "?sort=seen_at", "?stale=any", "?state=off&environment=staging", "?q=check"):
        as_viewer.get(f"/flags{query}")
        with queries(app) as seen:
            as_viewer.get(f"/flags{query}")
        counts[query] = len(seen)
    plain = counts.pop("")
    assert plain <= 10
    assert max(counts.values()) <= plain + 1
