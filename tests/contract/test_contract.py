"""Promises to operators and scripts that no single feature keeps alone."""

import csv
import io
import json
import socket
from urllib.parse import quote

import pytest
from psycopg import conninfo

from dashboard import up
from dashboard.changes import record as changes
from dashboard.errors import PilothouseError
from dashboard.lists import parse_window
from dashboard.processes import port_is_taken
from dashboard.settings import SettingsError, load_settings
from dashboard.store import libpq_url

LISTS = (
    "/", "/flags", "/changes", "/alerts", "/audit", "/settings/targets", "/settings/environments",
    "/settings/keys", "/settings/people", "/settings/sessions",
)  # fmt: skip


@pytest.mark.parametrize("secret", ["two words", "a+b", "50% /@:?#", "Zürich"])
def test_any_password_reaches_the_store_as_it_was_written(secret):
    settings = load_settings({"DATABASE_URL": f"postgresql://me:{quote(secret, safe='')}@db:5433/store"})
    read = conninfo.conninfo_to_dict(libpq_url(settings.database_url.get_secret_value()))
    assert (read["password"], read["host"], read["port"], read["dbname"]) == (secret, "db", "5433", "store")


def test_options_of_the_store_reach_libpq():
    url = "postgresql://me@db/store?sslmode=verify-full&options=-c%20search_path%3Dmine"
    read = conninfo.conninfo_to_dict(libpq_url(load_settings({"DATABASE_URL": url}).database_url.get_secret_value()))
    assert (read["sslmode"], read["options"]) == ("verify-full", "-c search_path=mine")


def test_one_port_for_pages_and_streams_is_a_wrong_setting():
    with pytest.raises(SettingsError, match="they need a port each"):
        up.run(load_settings({"PORT": "8300", "PILOTHOUSE_EVENTS_PORT": "8300"}))


@pytest.mark.parametrize("host", ["not a host", "no-such-host.invalid", "203.0.113.5"])
def test_a_host_that_is_not_this_machine_is_not_called_a_taken_port(host):
    with pytest.raises(PilothouseError, match=r"is no name or address|cannot be listened on"):
        port_is_taken(host, 8300)


def test_a_port_that_another_listens_on_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert port_is_taken("127.0.0.1", other.getsockname()[1])


@pytest.mark.parametrize("path", LISTS)
def test_every_list_says_how_many_and_as_of_when(path, as_admin):
    answer = as_admin.get(f"{path}?format=json").json
    assert {"rows", "total", "page", "as_of"} <= answer.keys()
    if answer["rows"] and path not in {"/", "/settings/targets"}:
        assert answer["as_of"].endswith("Z")


def test_structured_cells_of_csv_are_json(app, store, as_viewer):
    with app.app_context():
        changes.record("setting", "work_mem was changed", subject="work_mem", author="x", detail={"before": None})
        changes.db.session.commit()
    rows = list(csv.DictReader(io.StringIO(as_viewer.get("/changes?format=csv").text)))
    assert {"before": None} in [json.loads(row["detail"]) for row in rows if row["detail"]]


@pytest.mark.parametrize("text", ["15m", "129600m", "2160h", "90d"])
def test_both_ends_of_a_window_can_be_asked_for_in_every_unit(text):
    parse_window(text)
