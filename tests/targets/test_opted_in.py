"""The roles for explaining and steering on the capability card: cannot sign in, too many rights, not enough."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from dashboard.store import db
from dashboard.targets.collect import opted_in_features
from dashboard.targets.edits import add_target
from dashboard.targets.opted_in import Login, Readable, explaining, steering
from tests.targets.test_capabilities import GOOD

FACTS = replace(GOOD, role="dash_explain")
ROLE = '"dash_explain"'


def told(*schemas: Readable, **facts: Any) -> list[tuple[str, str | None]]:
    card = explaining(Login("dash_explain", facts=replace(FACTS, **facts), schemas=schemas))
    return [(one.state, one.remedy_sql) for one in card]


def test_a_role_that_reads_every_open_schema_is_fine():
    assert told(Readable("public", 4, 0, True), Readable("audit", 9, 9, False)) == [("ok", None)]
    assert told(strong_roles=["pg_read_all_data"]) == [("ok", None)]


@pytest.mark.parametrize(
    ("schema", "state", "remedy"),
    [
        (Readable("public", 4, 4, True), "denied", f'GRANT SELECT ON ALL TABLES IN SCHEMA "public" TO {ROLE};'),
        (
            Readable("shop", 4, 0, False),
            "denied",
            f'GRANT USAGE ON SCHEMA "shop" TO {ROLE};\nGRANT SELECT ON ALL TABLES IN SCHEMA "shop" TO {ROLE};',
        ),
        (Readable("public", 4, 1, True), "degraded", f'GRANT SELECT ON ALL TABLES IN SCHEMA "public" TO {ROLE};'),
    ],
)
def test_what_it_may_not_read_has_its_grant(schema, state, remedy):
    assert told(schema) == [(state, remedy)]


def test_too_many_rights_are_flagged_with_their_remedy():
    assert told(is_superuser=True)[0] == ("flagged", f"ALTER ROLE {ROLE} NOSUPERUSER;")
    assert told(strong_roles=["pg_read_server_files"])[0] == ("flagged", f"REVOKE pg_read_server_files FROM {ROLE};")


def test_steering_needs_the_right_to_signal_and_no_more():
    missing = steering(Login("dash_ops", facts=replace(GOOD, role="dash_ops")))
    assert [(one.state, one.remedy_sql) for one in missing] == [("denied", 'GRANT pg_signal_backend TO "dash_ops";')]
    strong = replace(GOOD, role="dash_ops", strong_roles=["pg_signal_backend", "pg_read_all_data"])
    assert [(one.state, one.remedy_sql) for one in steering(Login("dash_ops", facts=strong))] == [
        ("flagged", 'REVOKE pg_read_all_data FROM "dash_ops";'),
        ("ok", None),
    ]


def test_each_registered_role_is_looked_at_as_itself(app: Flask, target_db: Any) -> None:
    role = f"explain_{target_db.name}"
    target_db.execute("create table orders (id int)")
    target_db.execute(f"create role {role} login password 'x y'")
    place = {"slug": "shop", "host": target_db.host, "dbname": target_db.name, "user": "postgres", "password": "x"}
    roles = {"explain_user": role, "explain_password": "x y", "steer_user": role, "steer_password": "wrong"}
    with app.app_context():
        target = add_target(place | roles, origin="command")
        found = opted_in_features(target)
        db.session.rollback()
    target_db.execute(f"drop role {role}")
    assert [(one.feature, one.state) for one in found] == [("Explaining", "denied"), ("Steering", "denied")]
    assert "may read no table" in found[0].why
    assert "refused the sign-in" in found[1].why
