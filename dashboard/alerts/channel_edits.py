"""Adding, changing, testing and removing channels; silencing; judging a rule otherwise. All of it audited."""

from datetime import UTC, datetime
from typing import Any

from flask import current_app
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from dashboard.alerts.channel_queries import PURPOSE, channel_address
from dashboard.alerts.deliver import key_of
from dashboard.alerts.forms import ChannelForm, SilenceForm, ends_at, shown_address
from dashboard.alerts.models import AlertChannel, AlertSetting, AlertSilence
from dashboard.alerts.rules import Rule, Setting
from dashboard.alerts.senders import send
from dashboard.alerts.wire import Message
from dashboard.errors import Conflict, Invalid
from dashboard.security.audit import record as audit
from dashboard.security.authors import current_author
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import environment_by_slug, target_by_slug
from dashboard.targets.secrets import seal

NOT_A_SERVICE = {"json", "jsons", "xml", "xmls", "form", "forms", "syslog", "rsyslog"}


def add_channel(form: ChannelForm) -> AlertChannel:
    """Raises Invalid."""
    _check(form, None)
    channel = AlertChannel(
        name=form.name, kind=form.kind, environment_id=_environment_id(form), level=form.level, is_on=form.is_on,
        shown=shown_address(form.kind, form.address or ""), created_by=current_author(), created_at=datetime.now(UTC),
    )  # fmt: skip
    _tell_of(channel, form.tells)
    db.session.add(channel)
    db.session.flush()
    _seal(channel, form)
    audit("alert_channel.add", f"alert_channel:{form.name}", after=_told(channel))
    return channel


def change_channel(channel: AlertChannel, form: ChannelForm, *, version: int) -> None:
    """Raises Invalid, or Conflict when somebody else changed it since it was shown as `version`."""
    _check(form, channel.id)
    before = _told(channel)
    raised = update(AlertChannel).where(AlertChannel.id == channel.id, AlertChannel.version == version)
    if not db.session.execute(raised.values(version=version + 1).returning(AlertChannel.id)).all():
        raise Conflict("Somebody else changed this channel in the meantime; nothing was saved.")
    db.session.refresh(channel)
    if form.kind != channel.kind and form.address is None:
        raise Invalid({"address": "Another kind of channel needs an address of its own."})
    channel.name, channel.kind, channel.level, channel.is_on = form.name, form.kind, form.level, form.is_on
    channel.environment_id = _environment_id(form)
    _tell_of(channel, form.tells)
    if form.address is not None:
        channel.shown = shown_address(form.kind, form.address)
        _seal(channel, form)
    audit("alert_channel.change", f"alert_channel:{channel.name}", before=before, after=_told(channel))


def remove_channel(channel: AlertChannel) -> None:
    db.session.execute(delete(AlertChannel).where(AlertChannel.id == channel.id))
    audit("alert_channel.remove", f"alert_channel:{channel.name}", before=_told(channel))


def try_channel(channel: AlertChannel) -> None:
    """Send a message that says it is a test, now. Raises NotSent."""
    audit("alert_channel.test", f"alert_channel:{channel.name}")
    kind, address = channel.kind, channel_address(channel)
    message = Message(f"{key_of(0)}-{datetime.now(UTC):%Y%m%d%H%M%S%f}", (), is_test=True)
    db.session.commit()
    send(kind, address, message)


def add_silence(form: SilenceForm, now: datetime, *, subject: str | None = None) -> AlertSilence:
    """Raises NotFound for a target or environment that is gone, Invalid for a silence of everything."""
    if not (form.rule or form.target or form.environment):
        raise Invalid({"rule": "Choose a rule, a target or an environment: a silence of everything hides everything."})
    silence = AlertSilence(
        rule=form.rule,
        target_id=target_by_slug(form.target).id if form.target else None,
        environment_id=environment_by_slug(form.environment).id if form.environment else None,
        subject=subject,
        reason=form.reason,
        created_by=current_author(),
        created_at=now,
        ends_at=ends_at(form, now),
    )
    db.session.add(silence)
    what = {"rule": form.rule, "target": form.target, "environment": form.environment, "subject": subject}
    after = what | {"ends_at": silence.ends_at.isoformat()}
    audit("alert.silence", f"alert:{form.rule or 'any'}", after=after, reason=form.reason)
    return silence


def end_silence(silence: AlertSilence, now: datetime) -> None:
    silence.ends_at = now
    audit("alert.unsilence", f"alert:{silence.rule or 'any'}", before={"reason": silence.reason})


def set_rule(rule: Rule, environment: Environment, setting: Setting | None) -> None:
    """Judge a rule otherwise in an environment; None takes its defaults again."""
    own = select(AlertSetting).where(AlertSetting.rule == rule.key, AlertSetting.environment_id == environment.id)
    old = db.session.scalar(own.with_for_update())
    before = {name: getattr(old, name) for name in vars(rule.default)} if old else vars(rule.default)
    after = vars(setting or rule.default)
    if setting is None:
        db.session.execute(
            delete(AlertSetting).where(AlertSetting.rule == rule.key, AlertSetting.environment_id == environment.id)
        )
    else:
        row = insert(AlertSetting).values(rule=rule.key, environment_id=environment.id, **after)
        db.session.execute(row.on_conflict_do_update(index_elements=["rule", "environment_id"], set_=after))
    audit("alert_rule.change", f"alert_rule:{rule.key}:{environment.slug}", before=_texts(before), after=_texts(after))


def _check(form: ChannelForm, channel_id: int | None) -> None:
    taken = select(AlertChannel.id).where(AlertChannel.name == form.name)
    if channel_id is not None:
        taken = taken.where(AlertChannel.id != channel_id)
    if db.session.scalar(taken):
        raise Invalid({"name": f"A channel called {form.name} already exists."})
    if form.kind == "apprise" and form.address:
        from apprise import Apprise

        scheme = form.address.partition("://")[0].lower()
        if scheme in NOT_A_SERVICE or Apprise.instantiate(form.address) is None:
            raise Invalid({"address": "Apprise knows no such service, or the address lacks a part of it."})


def _environment_id(form: ChannelForm) -> int | None:
    return environment_by_slug(form.environment).id if form.environment else None


def _tell_of(channel: AlertChannel, tells: str) -> None:
    """A channel hears of the changes of flags that are made from now on."""
    channel.tells_alerts = tells != "flags"
    channel.tells_flags_since = (channel.tells_flags_since or datetime.now(UTC)) if tells != "alerts" else None


def _seal(channel: AlertChannel, form: ChannelForm) -> None:
    plain = f"{form.address}\n{form.secret or ''}"
    key = current_app.config["SECRET_KEY"]
    channel.sealed_address = seal(plain, key, login_id=channel.id, purpose=PURPOSE)


def _told(channel: AlertChannel) -> dict[str, Any]:
    names = ("name", "kind", "environment_id", "level", "is_on", "tells_alerts", "shown")
    told = {name: getattr(channel, name) for name in names}
    return told | {"tells_flags": channel.tells_flags_since is not None}


def _texts(values: Any) -> dict[str, str]:
    """Numbers as text: the audit log's seal must not depend on how JSON rewrites them."""
    return {name: str(value) for name, value in values.items()}
