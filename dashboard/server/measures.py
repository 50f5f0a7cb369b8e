"""What the counters of a window come to (pure): sums, rates and shares, each with the time that it speaks about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from dashboard.server.series import (
    Growth,
    Points,
    Sample,
    comparable,
    growth,
    hit_shares,
    levels,
    rates,
    steps,
    window_hit_share,
)

COUNTERS = (
    "commits", "rollbacks", "blocks_hit", "blocks_read", "rows_returned", "rows_changed", "temp_files", "temp_bytes",
    "deadlocks", "conflicts",
    "sessions", "sessions_abandoned", "sessions_fatal", "sessions_killed", "session_ms", "active_ms",
    "idle_in_transaction_ms", "block_read_ms", "block_write_ms", "checkpoints_timed", "checkpoints_requested",
    "checkpoints_done", "checkpoint_write_ms", "checkpoint_sync_ms", "checkpoint_buffers", "buffers_cleaned",
    "wal_bytes", "wal_records", "wal_full_page_images", "wal_buffers_full",
)  # fmt: skip


@dataclass(frozen=True)
class Measures:
    """Growth by counter, None where nothing could be compared; shares from 0 to 1."""

    grown: dict[str, Growth | None]
    hit_share: float | None
    rollback_share: float | None
    requested_share: float | None

    def of(self, counter: str) -> float | None:
        """How far a counter grew in the window."""
        found = self.grown[counter]
        return found.grown if found is not None else None

    def per_s(self, counter: str) -> float | None:
        found = self.grown[counter]
        return found.per_s if found is not None else None

    @property
    def seconds(self) -> float | None:
        """Over how much of the window the numbers speak."""
        found = self.grown["commits"]
        return found.seconds if found is not None else None


def measures(samples: Sequence[Sample], step: timedelta) -> Measures:
    pairs = comparable(samples, step)
    grown = {name: growth(pairs, name) for name in COUNTERS}
    return Measures(
        grown,
        window_hit_share(grown["blocks_hit"], grown["blocks_read"]),
        rollback_share=_share(grown["rollbacks"], grown["commits"]),
        requested_share=_share(grown["checkpoints_requested"], grown["checkpoints_timed"]),
    )


def rates_of(samples: Sequence[Sample], step: timedelta) -> dict[str, Points]:
    """The lines of the charts: per second, checkpoints in each step, levels as they are."""
    per_second = (
        "commits", "rollbacks", "temp_bytes", "wal_bytes", "rows_returned", "rows_changed", "sessions", "deadlocks",
    )  # fmt: skip
    found = {name: rates(samples, name, step) for name in per_second}
    found |= {name: steps(samples, name, step) for name in ("checkpoints_timed", "checkpoints_requested")}
    return found | {"hit_share": hit_shares(samples, step), "size_bytes": levels(samples, "size_bytes", step)}


def _share(part: Growth | None, rest: Growth | None) -> float | None:
    """Of both together; None when neither happened."""
    if part is None or rest is None or part.grown + rest.grown == 0:
        return None
    return part.grown / (part.grown + rest.grown)
