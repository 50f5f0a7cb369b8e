"""What a change is confirmed with before it is made: a reason, and in production the key typed by hand."""

from collections.abc import Mapping

from flask import request

from dashboard.errors import Invalid
from dashboard.flags import rules
from dashboard.flags.models import Flag
from dashboard.targets.models import Environment


def confirmed(flag: Flag, environment: Environment, *, at_once: bool = False) -> str:
    """The reason, when everything that this environment asks for was given. Raises Invalid.

    Where somebody else approves first nobody types a key; `at_once`: it waits for nobody.
    """
    return confirmed_as(flag.key, environment, at_once=at_once)


def confirmed_everywhere(key: str, waits_in: Environment | None) -> str:
    """The reason for what changes every environment at once; the key is typed unless somebody approves it in one."""
    if waits_in:
        return confirmed_as(key, waits_in)
    reason, typed_key = request.form.get("reason", ""), request.form.get("typed_key", "")
    if problems := rules.confirmation_problems(needed=True, key=key, typed_key=typed_key, reason=reason):
        raise Invalid(problems)
    return reason.strip()


def reason_given() -> str:
    """Where nothing has to be confirmed. Raises Invalid."""
    reason = request.form.get("reason", "")
    if problems := rules.confirmation_problems(needed=False, key="", typed_key="", reason=reason):
        raise Invalid(problems)
    return reason.strip()


def confirmed_as(
    key: str, environment: Environment, *, at_once: bool = False, typed: Mapping[str, str] | None = None
) -> str:
    """`typed`: what was sent, where it is not a form."""
    sent = request.form if typed is None else typed
    reason, typed_key = sent.get("reason", ""), sent.get("typed_key", "")
    approved = environment.approvals_needed > 0
    needed = environment.is_production and (at_once or not approved)
    problems = rules.confirmation_problems(
        needed=needed, key=key, typed_key=typed_key, reason=reason, reason_needed=approved
    )
    if problems:
        raise Invalid(problems)
    return reason.strip()
