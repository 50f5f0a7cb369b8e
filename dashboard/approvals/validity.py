"""Whether a request still stands, as the store has it now: conditions for the questions about requests."""

from sqlalchemy import BigInteger, and_, case, cast, func

from dashboard.approvals import rules
from dashboard.approvals.models import ChangeRequest
from dashboard.flags.models import Flag, FlagSetting
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
VOID = case(
    (ChangeRequest.state != "open", None),
    (Environment.id.is_(None), "gone"),
    (ChangeRequest.kind == "review", None),
    (Flag.id.is_(None), "gone"),
    (Flag.archived_at.is_not(None), "archived"),
    (func.coalesce(FlagSetting.version, 0) != ChangeRequest.base_version, "changed"),
    (func.extract("epoch", func.now()) > FIRST_STEP, "passed"),
    (~func.coalesce(suffices("operator", Account, EnvironmentRole), False), "author"),
    (ChangeRequest.asked_at < func.now() - rules.LASTS, "expired"),
    else_=None,
)
STATE = case((VOID.is_not(None), "void"), else_=ChangeRequest.state)
STATE_ORDER = case((STATE == "open", 0), else_=1)
