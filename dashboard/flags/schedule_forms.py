"""What the form of a schedule sends, read; times are typed in UTC (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from dashboard.errors import Invalid
from dashboard.flags import rollout
from dashboard.flags.ramp import Ramp

WHATS = ("on", "off", "ramp")
UNITS = {"minutes": 60, "hours": 3_600, "days": 86_400}
NO_TIME = "A day and a time, such as 2030-01-31T09:00, in UTC."
LATEST = 4_102_444_800  # the year 2100: the steps of a ramp come after it, and calendars end
Fields = Mapping[str, str]


@dataclass(frozen=True)
class ScheduleForm:
    """`ramp` where a variant grows; else the flag is turned `on` or `off` at second `at`."""

    what: str
    at: int
    ramp: Ramp | None = None


def what_of(text: str | None, *, is_on: bool) -> str:
    """What is asked for; else what people want next of a flag in this state. Raises Invalid."""
    what = text or ("ramp" if is_on else "on")
    if what not in WHATS:
        raise Invalid({"what": "A flag is turned on or off, or a variant grows."})
    return what


def read(fields: Fields) -> ScheduleForm:
    """Raises Invalid."""
    problems: dict[str, str] = {}
    what = what_of(fields.get("what"), is_on=False)
    at = _second(fields.get("at", ""), problems)
    if what != "ramp":
        found = ScheduleForm(what, at)
    else:
        share = rollout.percent_of(fields.get("share", ""))
        if not share:
            problems["share"] = "A percentage above 0, up to 100, with at most three decimals."
        unit = UNITS.get(fields.get("unit", ""), 0)
        if not unit:
            problems["every"] = f"Steps are some {', '.join(UNITS)} apart."
        every = _number("every", fields, problems) * unit
        found = ScheduleForm(
            what, at, Ramp(fields.get("variant", ""), share or 0, at, _number("steps", fields, problems), every)
        )
    if problems:
        raise Invalid(problems)
    return found


def at_of(fields: Fields) -> int | None:
    """The second at which a form is to be carried out; None: now. Raises Invalid."""
    if not fields.get("at", "").strip():
        return None
    problems: dict[str, str] = {}
    at = _second(fields["at"], problems)
    if problems:
        raise Invalid(problems)
    return at


def title(key: str, slug: str, form: ScheduleForm, last: int) -> str:
    """What lists and the change lane say."""
    begins = _words(form.at)
    if form.ramp is None:
        return f"{key} to be turned {form.what} in {slug} at {begins}"
    share = rollout.percent_text(form.ramp.share)
    until = "" if last == form.at else f", until {_words(last)}"
    return f"{key}: {form.ramp.variant} to grow to {share} % in {slug} from {begins}{until}"


def change_title(key: str, slug: str, at: int) -> str:
    return f"{key} to be changed in {slug} at {_words(at)}"


def _words(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def _second(text: str, problems: dict[str, str]) -> int:
    """Typed in UTC, unless the text names another offset: no hour of a change of clocks is there twice, or never."""
    try:
        found = datetime.fromisoformat(text.strip())
        at = int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        at = -1
    if not 0 <= at < LATEST:
        problems["at"] = NO_TIME
        return 0
    return at


def _number(name: str, fields: Fields, problems: dict[str, str]) -> int:
    text = fields.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        problems[name] = "A whole number."
        return 0
    return int(text)
