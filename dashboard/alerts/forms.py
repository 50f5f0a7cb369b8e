"""What people type about rules, silences and channels → checked values (pure)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from dashboard.alerts.catalogue import RULES
from dashboard.alerts.rules import Level, Rule, Setting
from dashboard.errors import Invalid

LEVELS: dict[str, Level] = {"warning": "warning", "critical": "critical"}
KINDS = {"email": "E-mail", "webhook": "Webhook", "apprise": "Slack, Teams and the rest"}
SILENCES = {"1h": timedelta(hours=1), "4h": timedelta(hours=4), "1d": timedelta(days=1), "7d": timedelta(days=7)}
TELLS = {"alerts": "Alerts", "flags": "Changes of flags", "both": "Alerts and changes of flags"}
LONGEST_ADDRESS, LONGEST_SECRET, LONGEST_REASON = 2_000, 200, 500
SCALES = {"share": 0.01, "bytes": float(1 << 20), "ms": 1.0, "s": 1.0, "count": 1.0}
UNIT_WORDS = {"share": "%", "bytes": "MB", "ms": "ms", "s": "seconds", "count": ""}
Fields = Mapping[str, str]


@dataclass(frozen=True)
class ChannelForm:
    """`address` None: the stored one stays."""

    name: str
    kind: str
    environment: str
    level: Level
    is_on: bool
    address: str | None = field(repr=False)
    secret: str | None = field(repr=False)
    tells: str = "alerts"


@dataclass(frozen=True)
class SilenceForm:
    rule: str | None
    target: str | None
    environment: str | None
    reason: str
    lasts: timedelta


def read_setting(rule: Rule, values: Fields) -> Setting:
    """Numbers are typed in the unit that the form shows: percent, megabytes. Raises Invalid."""
    problems: dict[str, str] = {}
    threshold = _number("threshold", values, problems) * SCALES[rule.unit]
    minimum = None
    if rule.default.minimum is not None:
        minimum = _number("minimum", values, problems) * (SCALES["bytes"] if rule.key == "database_growth" else 1)
    for_s = _number("for_s", values, problems, most=86_400)
    level = _level(values, problems)
    if problems:
        raise Invalid(problems)
    return Setting("is_on" in values, threshold, int(for_s), level, minimum)


def shown_setting(rule: Rule, setting: Setting) -> dict[str, str]:
    """A setting as the form types it."""
    shown = {
        "threshold": f"{setting.threshold / SCALES[rule.unit]:g}",
        "for_s": str(setting.for_s),
        "level": setting.level,
    }
    if setting.minimum is not None:
        shown["minimum"] = f"{setting.minimum / (SCALES['bytes'] if rule.key == 'database_growth' else 1):g}"
    return shown | ({"is_on": "on"} if setting.is_on else {})


def read_silence(values: Fields) -> SilenceForm:
    """Raises Invalid."""
    problems: dict[str, str] = {}
    reason = values.get("reason", "").strip()
    if not reason or len(reason) > LONGEST_REASON:
        problems["reason"] = f"Say why, in at most {LONGEST_REASON} characters: others read it at night."
    if (lasts := SILENCES.get(values.get("lasts", ""))) is None:
        problems["lasts"] = "A silence ends by itself: choose when."
    rule = values.get("rule") or None
    if rule is not None and rule not in RULES:
        problems["rule"] = "There is no such rule."
    if problems or lasts is None:
        raise Invalid(problems)
    return SilenceForm(rule, values.get("target") or None, values.get("environment") or None, reason, lasts)


def ends_at(form: SilenceForm, now: datetime) -> datetime:
    return now + form.lasts


def read_channel(values: Fields, *, needs_address: bool) -> ChannelForm:
    """Raises Invalid."""
    problems: dict[str, str] = {}
    name, kind = values.get("name", "").strip(), values.get("kind", "")
    if not name or len(name) > 80 or not name.isprintable():
        problems["name"] = "A channel has a name of at most 80 characters."
    if kind not in KINDS:
        problems["kind"] = f"The kind is one of: {', '.join(KINDS)}."
    address, secret = values.get("address", "").strip() or None, values.get("secret", "").strip() or None
    if address is None and needs_address:
        problems["address"] = "Where do the messages go?"
    elif address is not None and (problem := _address_problem(kind, address)):
        problems["address"] = problem
    if secret is not None and len(secret) > LONGEST_SECRET:
        problems["secret"] = f"The secret has at most {LONGEST_SECRET} characters."
    level, tells = _level(values, problems), values.get("tells", "alerts")
    if tells not in TELLS:
        problems["tells"] = "A channel tells of alerts, of changes of flags, or of both."
    if problems:
        raise Invalid(problems)
    return ChannelForm(name, kind, values.get("environment", ""), level, "is_on" in values, address, secret, tells)


def tells_of(alerts: bool, flags: bool) -> str:
    return "both" if alerts and flags else "flags" if flags else "alerts"


def shown_address(kind: str, address: str) -> str:
    """What pages may show of an address: recipients, or the host of a webhook; never a path or a token."""
    if kind == "email":
        return address
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname}/…" if kind == "webhook" else f"{parts.scheme}://…"


def _address_problem(kind: str, address: str) -> str | None:
    if len(address) > LONGEST_ADDRESS or not address.isprintable():
        return f"The address has at most {LONGEST_ADDRESS} characters, none of them invisible."
    if kind == "email":
        recipients = [one.strip() for one in address.split(",")]
        good = all(one.count("@") == 1 and not any(sign in one for sign in ' <>"\\;') for one in recipients)
        return None if good and len(recipients) <= 20 else "One to twenty e-mail addresses, separated by commas."
    if kind == "webhook":
        try:
            parts = urlsplit(address)
            good = parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        return None if good and "@" not in parts.netloc else "A webhook is an https:// address, without a password."
    return None if "://" in address else "An Apprise address starts with its service, like slack:// or msteams://."


def _number(name: str, values: Fields, problems: dict[str, str], most: float = 1e15) -> float:
    try:
        number = float(values.get(name, ""))
    except ValueError:
        number = math.nan
    if not 0 <= number <= most:
        problems[name] = f"A number from 0 to {most:g}."
        return 0.0
    return number


def _level(values: Fields, problems: dict[str, str]) -> Level:
    if (level := LEVELS.get(values.get("level", ""))) is None:
        problems["level"] = "The level is warning or critical."
        return "warning"
    return level
