"""Whether a request still stands, as the store has it now: conditions for the questions about requests."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    and_,
    case,
    cast,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from dashboard.approvals import rules
from dashboard.approvals.models import ChangeRequest
from dashboard.flags.everywhere import CHANGES
from dashboard.flags.holding import CANCEL, PARTS, WHOLE
from dashboard.flags.models import Flag, FlagSetting, FlagVersion
from dashboard.flags.schedule_models import FlagSchedule
from dashboard.security.models import Account, EnvironmentRole
from dashboard.security.role_queries import suffices
from dashboard.targets.models import Environment

# A request and what decides whether it still stands.
FACTS = (
    (Flag, Flag.id == ChangeRequest.flag_id),
    (Environment, Environment.id == ChangeRequest.environment_id),
    (
        FlagSetting,
        and_(FlagSetting.flag_id == ChangeRequest.flag_id, FlagSetting.environment_id == ChangeRequest.environment_id),
    ),
    (Account, Account.id == ChangeRequest.author_id),
    (
        EnvironmentRole,
        and_(
            EnvironmentRole.account_id == ChangeRequest.author_id,
            EnvironmentRole.environment_id == ChangeRequest.environment_id,
        ),
    ),
)
# The second at which a schedule begins; null where the change is made by the approval itself.
FIRST_STEP = cast(ChangeRequest.steps[0, 0].as_string(), BigInteger)
IS_PART = ChangeRequest.action.in_(PARTS)
IS_BUCKETING = ChangeRequest.action == "flag.bucketing"
# The versions of the segment, or of the environment's bucketing, that a request wants to change.
OF_PART = and_(
    FlagVersion.flag_id.is_(None),
    FlagVersion.environment_id == ChangeRequest.environment_id,
    func.coalesce(FlagVersion.segment, "") == case((IS_BUCKETING, ""), else_=ChangeRequest.subject),
)
NEWEST_OF_PART = select(func.max(FlagVersion.version)).where(OF_PART).correlate(ChangeRequest).scalar_subquery()
IS_CANCEL = ChangeRequest.action == CANCEL
IS_TO_COME = (
    exists()
    .where(
        cast(FlagSchedule.public_id, String) == ChangeRequest.document["schedule"].as_string(),
        FlagSchedule.state == "pending",
    )
    .correlate(ChangeRequest)
)
# What is counted when something is asked for, as it is now.
VERSION = case(
    (IS_PART, func.coalesce(NEWEST_OF_PART, 0)),
    (ChangeRequest.action.in_(WHOLE), CHANGES),
    (IS_CANCEL, ChangeRequest.base_version),  # a step that comes meanwhile changes nothing for those after it
    else_=func.coalesce(FlagSetting.version, 0),
)
IS_ARCHIVED = Flag.archived_at.is_not(None)
ELSEWHERE, ROLE_THERE, WHO = aliased(FlagSetting), aliased(EnvironmentRole), aliased(Account)
IS_READER_SOMEWHERE = exists(
    select(ELSEWHERE.id)
    .join(WHO, WHO.id == ChangeRequest.author_id)
    .outerjoin(ROLE_THERE, and_(ROLE_THERE.account_id == WHO.id, ROLE_THERE.environment_id == ELSEWHERE.environment_id))
    .where(ELSEWHERE.flag_id == ChangeRequest.flag_id, not_(suffices("operator", WHO, ROLE_THERE)))
    .correlate(ChangeRequest)
)
# Whoever works on the machine has no account that could lose a role; an account that was deleted has lost it.
MAY_STILL = or_(
    and_(ChangeRequest.author_id.is_(None), ChangeRequest.author.startswith(rules.COMMAND_LINE)),
    case(
        (IS_BUCKETING, suffices("admin", Account, EnvironmentRole)),
        (ChangeRequest.action.in_(WHOLE), and_(suffices("operator", Account), not_(IS_READER_SOMEWHERE))),
        else_=suffices("operator", Account, EnvironmentRole),
    ),
)
VOID = case(
    (ChangeRequest.state != "open", None),
    (Environment.id.is_(None), "gone"),
    (ChangeRequest.kind == "review", None),
    (and_(not_(IS_PART), Flag.id.is_(None)), "gone"),
    (and_(ChangeRequest.action == "flag.restore", not_(IS_ARCHIVED)), "restored"),
    (and_(ChangeRequest.action != "flag.restore", IS_ARCHIVED), "archived"),
    (and_(IS_CANCEL, not_(IS_TO_COME)), "over"),
    (ChangeRequest.base_version != VERSION, "changed"),
    (func.extract("epoch", func.now()) > FIRST_STEP, "passed"),
    (not_(func.coalesce(MAY_STILL, False)), "author"),
    (ChangeRequest.asked_at < func.now() - rules.LASTS, "expired"),
    else_=None,
)
STATE = case((VOID.is_not(None), "void"), else_=ChangeRequest.state)
# The first of both, written out, lets the index of open ones find the few that there are.
IS_OPEN = (ChangeRequest.state == literal_column("'open'"), STATE == "open")
STATE_ORDER: ColumnElement[int] = case((STATE == "open", 0), else_=1)


def with_facts(wanted: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """A question about requests, with all that decides whether they stand."""
    wanted = wanted.select_from(ChangeRequest)
    for model, on in FACTS:
        wanted = wanted.outerjoin(model, on)
    return wanted
