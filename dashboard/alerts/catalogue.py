"""The rules that watch from day one, with what each begins with (pure)."""

from dashboard.alerts.replication_rules import lag, slots
from dashboard.alerts.rules import (
    Rule,
    Setting,
    blocked,
    connections,
    failed,
    growth,
    late,
    long_transaction,
    pending,
    slow,
    unreachable,
    wraparound,
)

GIGABYTE = 1 << 30
CATALOGUE = (
    Rule("target_unreachable", "Target unreachable", "How long a target has not been reached.", "s",
         Setting(True, 120, 0, "critical"), unreachable, needs_reach=False),
    Rule("collector_late", "Collector late", "How long nothing was collected from a target that can be reached.", "s",
         Setting(True, 300, 0, "warning"), late),
    Rule("migration_failed", "Migration failed", "Migrations that ended with an error.", "count",
         Setting(True, 1, 0, "critical"), failed, needs_reach=False),
    Rule("migration_pending", "Migration pending", "Migrations that the code has and the database has not.", "count",
         Setting(True, 1, 600, "warning"), pending, needs_reach=False),
    Rule("slow_query", "Slow query", "Mean time of a query over the last 15 minutes.", "ms",
         Setting(True, 1_000, 300, "warning", 20), slow, clear=0.8, minimum_name="calls in 15 minutes"),
    Rule("connections", "Connections near the limit", "Share of the connections that roles may open.", "share",
         Setting(True, 0.85, 120, "critical"), connections, clear=0.9),
    Rule("database_growth", "Database growth", "Growth over 24 hours as a share of the size before.", "share",
         Setting(True, 0.2, 0, "warning", GIGABYTE), growth, clear=0.8, minimum_name="grown"),
    Rule("wraparound", "Wraparound", "Share of the transaction or multixact ids used before the server stops.", "share",
         Setting(True, 0.5, 0, "critical"), wraparound, clear=0.9),
    Rule("replication_lag", "Replication lag", "How far a standby is behind, or without its primary.", "s",
         Setting(True, 60, 180, "warning"), lag, clear=0.5),
    Rule("slot_holds_wal", "Slot holding WAL", "WAL that a replication slot keeps from being removed.", "bytes",
         Setting(True, 10 * GIGABYTE, 300, "critical"), slots, clear=0.8),
    Rule("long_transaction", "Long transaction", "Age of the oldest open transaction.", "s",
         Setting(True, 1_800, 0, "warning"), long_transaction),
    Rule("blocked_sessions", "Blocked sessions", "Sessions that wait for a lock.", "count",
         Setting(True, 1, 120, "warning"), blocked),
)  # fmt: skip
RULES = {rule.key: rule for rule in CATALOGUE}
