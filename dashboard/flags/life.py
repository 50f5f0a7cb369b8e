"""What a flag's row keeps of who gets what, and since when that is so."""

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import select

from dashboard.flags import ledger, reach, rules
from dashboard.flags.models import FlagSetting
from dashboard.store import db
from dashboard.targets.models import Environment


def settle(setting: FlagSetting) -> None:
    """By its own definition; what is compiled from several is settled when it is compiled."""
    if not setting.prerequisites:
        _settle(setting, reach.reach_of(ledger.definition_of(setting)))


def settle_compiled(environment: Environment, flag_ids: Collection[int]) -> None:
    """By what these flags serve, of which others or the clock decide too."""
    wanted = select(FlagSetting).where(FlagSetting.environment_id == environment.id, FlagSetting.flag_id.in_(flag_ids))
    for setting in db.session.scalars(wanted.execution_options(populate_existing=True)) if flag_ids else ():
        definition = rules.definition_of(setting.served) if setting.served else ledger.definition_of(setting)
        _settle(setting, reach.reach_of(definition))


def _settle(setting: FlagSetting, found: reach.Reach) -> None:
    if found.outcome is None or setting.outcome != found.outcome:
        setting.settled_at = datetime.now(UTC)
    setting.reach, setting.outcome = found.state, found.outcome
