"""What a flag's row keeps of who gets what, and since when that is so."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import undefer

from dashboard.flags import ledger, reach, rules
from dashboard.flags.models import FlagSetting
from dashboard.flags.schedule_queries import changing_in
from dashboard.store import db
from dashboard.targets.models import Environment


def settle(setting: FlagSetting) -> None:
    """By its own definition; what is compiled from several is settled when it is compiled."""
    if not setting.prerequisites:
        _settle(setting, reach.reach_of(ledger.definition_of(setting)))


def settle_compiled(environment: Environment, flag_ids: Collection[int]) -> None:
    """By what these flags serve, of which others may decide too.

    A flag that will change by itself is what it is until then, and nothing that is settled.
    """
    changing = changing_in(environment) if flag_ids else set()
    wanted = select(FlagSetting).where(FlagSetting.environment_id == environment.id, FlagSetting.flag_id.in_(flag_ids))
    wanted = wanted.options(undefer(FlagSetting.served)).execution_options(populate_existing=True)
    for setting in db.session.scalars(wanted) if flag_ids else ():
        own = ledger.definition_of(setting)
        is_changing = setting.flag_id in changing
        definition = own if setting.served is None or is_changing else rules.definition_of(setting.served)
        found = reach.reach_of(definition)
        if is_changing and own.enabled and own.prerequisites:
            found = reach.Reach("partly", None)
        _settle(setting, replace(found, outcome=None) if is_changing else found)


def _settle(setting: FlagSetting, found: reach.Reach) -> None:
    if found.outcome is None or setting.outcome != found.outcome:
        setting.settled_at = datetime.now(UTC)
    setting.reach, setting.outcome = found.state, found.outcome
