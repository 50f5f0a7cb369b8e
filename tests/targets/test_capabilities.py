"""The capability card: what a role may see, what it should not have, and the exact remedy."""

from dataclasses import replace

import pytest

from dashboard.targets.capabilities import Facts, features, quoted, worst

SET, LIBRARIES, RELOAD = "ALTER SYSTEM SET", "shared_preload_libraries", "SELECT pg_reload_conf();"
GOOD = Facts(
    server_version=180_006,
    version_text="18.6",
    role="dash_ro",
    database="shop",
    is_superuser=False,
    can_create_roles=False,
    can_create_databases=False,
    can_replicate=False,
    bypasses_row_security=False,
    strong_roles=(),
    owned_relations=0,
    reads_all_stats=True,
    reads_all_settings=True,
    preloaded="pg_stat_statements",
    times_io=True,
    counts=True,
    statements_track="top",
    is_standby=False,
    is_encrypted=True,
    is_socket=False,
    statements_schema="public",
)


def troubled(**facts) -> list[tuple[str, str, str | None]]:
    card = features(replace(GOOD, **facts))
    return [(one.feature, one.state, one.remedy_sql) for one in card if one.state != "ok"]


def test_a_role_with_pg_monitor_has_nothing_to_fix():
    assert troubled() == []


@pytest.mark.parametrize(
    ("facts", "feature", "state", "remedy"),
    [
        ({"is_superuser": True}, "Role's rights", "flagged", 'ALTER ROLE "dash_ro" NOSUPERUSER;'),
        ({"can_create_roles": True}, "Role's rights", "flagged", 'ALTER ROLE "dash_ro" NOCREATEROLE;'),
        ({"bypasses_row_security": True}, "Role's rights", "flagged", 'ALTER ROLE "dash_ro" NOBYPASSRLS;'),
        ({"strong_roles": ["pg_maintain"]}, "Role's rights", "flagged", 'REVOKE pg_maintain FROM "dash_ro";'),
        ({"owned_relations": 3}, "Role's rights", "flagged", None),
        ({"times_io": False}, "Read and write times", "degraded", f"{SET} track_io_timing = on;\n{RELOAD}"),
        ({"statements_schema": None}, "Slow queries", "denied", "CREATE EXTENSION pg_stat_statements;"),
        ({"preloaded": ""}, "Slow queries", "denied", f"{SET} {LIBRARIES} = pg_stat_statements;"),
        ({"preloaded": "x"}, "Slow queries", "denied", f"{SET} {LIBRARIES} = x, pg_stat_statements;"),
        ({"statements_hidden": 4}, "Slow queries", "degraded", 'GRANT pg_read_all_stats TO "dash_ro";'),
        ({"server_version": 130_000}, "Server version", "degraded", None),
        ({"server_version": 190_000}, "Server version", "degraded", None),
    ],
)  # fmt: skip
def test_each_lack_and_each_excess_has_its_remedy(facts, feature, state, remedy):
    assert troubled(**facts) == [(feature, state, remedy)]


def test_a_plain_login_sees_less_and_is_told_the_grant():
    assert troubled(reads_all_stats=False, reads_all_settings=False, preloaded=None) == [
        ("Sessions and statements of others", "degraded", 'GRANT pg_monitor TO "dash_ro";'),
        ("Server settings", "degraded", 'GRANT pg_monitor TO "dash_ro";'),
    ]


def test_a_hostile_role_name_stays_an_identifier():
    assert quoted('x"; drop table a; --') == '"x""; drop table a; --"'


def test_the_worst_state_sums_a_card_up():
    assert [worst(states) for states in ([], ["ok", "degraded"], ["denied", "flagged", "ok"])] == [
        "ok",
        "degraded",
        "flagged",
    ]
