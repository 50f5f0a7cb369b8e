"""Ages that somebody should look at → findings (pure)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from dashboard.findings.rules import Finding, Level, Remedy
from dashboard.formats import count_text
from dashboard.vacuum import rules
from dashboard.vacuum.rows import Counters

LATE = 1.5  # of the age that forces a vacuum: it runs, and does not get through
HELD = 0.5
LEFT = {"prepared": timedelta(hours=1), "session": timedelta(days=1)}  # so long ago, whatever the age in ids
KINDS = {
    "session": "the session of",
    "prepared": "the prepared transaction",
    "slot": "the replication slot",
    "standby": "the standby",
}
ENDS = {
    "session": "End it on the page of live activity when it is not needed, and let its application commit sooner.",
    "prepared": (
        "It outlives sessions and restarts until somebody runs COMMIT PREPARED {name} or ROLLBACK PREPARED {name} in "
        "this database, as its owner {detail}."
    ),
    "slot": "Let its reader catch up; when nobody reads it any more: SELECT pg_drop_replication_slot({name}).",
    "standby": "A query on it still needs these rows (hot_standby_feedback): end that query there.",
}


def findings(
    counters: Counters, told: Mapping[str, Sequence[Mapping[str, Any]]], slug: str, now: datetime
) -> list[Finding]:
    """Databases whose ids are older than vacuum should let them be, and what keeps vacuum from freezing."""
    href = f"/t/{slug}/vacuum/limits"
    found = [_age(row, kind, counters, href) for row in told["databases"] for kind in ("xid", "multixact")]
    freeze = int(counters.settings["autovacuum_freeze_max_age"])
    found += [_held(row, href) for row in told["holders"] if _is_old(row, freeze, now)]
    return [one for one in found if one is not None]


def _age(row: Mapping[str, Any], kind: str, counters: Counters, href: str) -> Finding | None:
    limits = (rules.xid_limits if kind == "xid" else rules.multixact_limits)(counters.settings)
    age, freeze, failsafe = row[f"{kind}_age"] or 0, limits[0][1], limits[1][1]
    if age < LATE * freeze and age < failsafe:
        return None
    level: Level = "critical" if age >= failsafe else "warning"
    word = "transaction ids" if kind == "xid" else "multixact ids"
    return Finding(
        key=f"wraparound_{kind}:{row['name']}",
        rule=f"wraparound_{kind}",
        level=level,
        subject=row["name"],
        title=f"The oldest {word} of {row['name']} are {count_text(age)} old",
        why=(
            f"A vacuum is forced at {count_text(freeze)} and does not get through: something holds it back, or it "
            f"is too slow. At {count_text(rules.STOP_AGE)} the server stops all writes."
        ),
        href=href,
        detail={"age": age, "freeze_max_age": freeze, "failsafe_age": failsafe},
    )


def _is_old(row: Mapping[str, Any], freeze: int, now: datetime) -> bool:
    left = LEFT.get(row["kind"])
    is_left = left is not None and row["since"] is not None and row["since"] <= now - left
    return is_left or (row["xid_age"] or 0) >= HELD * freeze


def _held(row: Mapping[str, Any], href: str) -> Finding:
    who = f"{KINDS[row['kind']]} {row['name']}"
    return Finding(
        key=f"horizon_held:{row['kind']}:{row['name']}",
        rule="horizon_held",
        level="warning",
        subject=str(row["name"]),
        title=f"Vacuum is held back by {who}",
        why=f"It may still need row versions that are {count_text(row['xid_age'])} transactions old, so they all stay.",
        href=href,
        since=row["since"],
        remedy=Remedy((), (), note=ENDS[row["kind"]].format(name=_literal(row["name"]), detail=row["detail"])),
        detail={"kind": row["kind"], "pid": row["pid"], "xid_age": row["xid_age"]},
    )


def _literal(name: str | None) -> str:
    return "'" + (name or "").replace("'", "''") + "'"
