"""An alert waits, fires, holds and ends, and does not flap."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from dashboard.alerts.catalogue import RULES
from dashboard.alerts.steps import Standing, step, switched_off

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
RULE = RULES["connections"]
SETTING = replace(RULE.default, threshold=0.8, for_s=120)


def course(*values: float | None) -> list[str]:
    """The state after each value, one a minute; "-" where there is no alert."""
    alert: Standing | None = None
    states = []
    for minute, value in enumerate(values):
        alert = step(alert, value, RULE, SETTING, NOW + timedelta(minutes=minute))
        states.append(alert.state if alert else "-")
        if alert is not None and alert.state == "resolved":
            alert = None
    return states


def test_it_fires_only_after_it_held_for_its_time() -> None:
    assert course(0.9, 0.9, 0.9) == ["pending", "pending", "firing"]


def test_a_break_begins_the_wait_anew() -> None:
    assert course(0.9, 0.1, 0.9, 0.9) == ["pending", "-", "pending", "pending"]


def test_it_stays_while_the_value_is_between_both_limits() -> None:
    assert course(0.9, 0.9, 0.9, 0.75, 0.75, 0.75, 0.75, 0.75)[-1] == "firing"


def test_it_ends_after_three_minutes_below_the_lower_limit() -> None:
    assert course(0.9, 0.9, 0.9, 0.1, 0.1, 0.1, 0.1) == [
        "pending", "pending", "firing", "firing", "firing", "firing", "resolved",
    ]  # fmt: skip


def test_a_value_that_jumps_around_the_limit_fires_once() -> None:
    jumps = [0.9, 0.1] * 8
    assert course(0.9, 0.9, 0.9, *jumps)[2:] == ["firing"] * 17


def test_what_is_not_known_changes_nothing() -> None:
    assert course(0.9, None, 0.9, None, None, None) == ["pending", "pending", "firing", "firing", "firing", "firing"]
    assert course(None, None) == ["-", "-"]


def test_a_rule_without_a_wait_fires_at_once() -> None:
    alert = step(None, 1.0, RULE, replace(SETTING, for_s=0), NOW)
    assert alert == Standing("firing", NOW, fired_at=NOW)


def test_a_clock_set_back_does_not_hold_an_alert_for_ever() -> None:
    pending = Standing("pending", NOW + timedelta(hours=5))
    waiting = step(pending, 0.9, RULE, SETTING, NOW)
    assert waiting == Standing("pending", NOW)
    firing = Standing("firing", NOW, fired_at=NOW, calm_since=NOW + timedelta(hours=5))
    calm = step(firing, 0.1, RULE, SETTING, NOW)
    assert calm is not None
    assert calm.calm_since == NOW


def test_a_rule_switched_off_ends_what_fires_and_forgets_what_waits() -> None:
    ended = switched_off(Standing("firing", NOW, fired_at=NOW), NOW)
    assert ended is not None
    assert (ended.state, ended.resolved_at) == ("resolved", NOW)
    assert switched_off(Standing("pending", NOW), NOW) is None
