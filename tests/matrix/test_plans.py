"""Generic plans on PostgreSQL 14 to 18: by GENERIC_PLAN where the server has it, by force_generic_plan before."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from dashboard.plans import ask
from dashboard.plans.forms import Wish
from dashboard.plans.masks import kept, shape_of
from dashboard.plans.rules import nodes_of
from dashboard.store import db
from dashboard.targets.models import TargetLogin
from dashboard.targets.secrets import seal
from tests.people import SECRET_KEY

BY_KEY = "select * from orders where id = $1"
TYPED = "select * from events where at > now() - interval $1 day and $2 is null or at = $2"


@pytest.fixture
def explaining(place: Any) -> Iterator[Any]:
    """The place, with a role to explain as docs/roles.md makes it."""
    role, password = f"explain_{place.name}", secrets.token_hex(16)
    place.execute(
        f"create role {role} login connection limit 2 password '{password}'",
        f"grant select on all tables in schema public to {role}",
        f"alter role {role} set default_transaction_read_only = on",
    )
    login, target = TargetLogin(purpose="explain", username=role), place.target
    target.logins.append(login)
    db.session.flush()
    login.sealed_password = seal(password, SECRET_KEY, login_id=login.id, purpose="explain")
    db.session.commit()
    yield place
    place.execute(f"drop owned by {role}", f"drop role {role}")


def test_the_generic_plan_is_the_same_tree_on_every_version(explaining: Any) -> None:
    answer = ask.plan(explaining.target, BY_KEY, Wish("generic"))
    (node,) = nodes_of(kept(answer.document, BY_KEY))
    assert (node.kind, node.relation, node.index) == ("Index Scan", "public.orders", "orders_pkey")
    assert node.conditions == (("Index Cond", "(orders.id = $1)"),)
    assert len(shape_of(answer.document)) == 16


def test_values_run_and_typed_literals_work_on_every_version(explaining: Any) -> None:
    run = ask.plan(explaining.target, BY_KEY, Wish("analyze", ("7",))).document
    assert (run["Plan"]["Actual Rows"], run["Execution Time"] > 0) == (1, True)
    assert ask.plan(explaining.target, TYPED, Wish("generic")).document["Plan"]["Plan Rows"] >= 1
    assert ask.plan(explaining.target, TYPED, Wish("values", ("1", None))).document["Plan"]["Node Type"]


def test_one_statement_or_none_on_every_version(explaining: Any) -> None:
    with pytest.raises(ask.Refused) as refused:
        ask.plan(explaining.target, "select 1; commit; create table pwn (a int)", Wish("generic"))
    assert refused.value.refusal.sqlstate == "42601"
    assert explaining.execute("select to_regclass('pwn')") == [(None,)]
