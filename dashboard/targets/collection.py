"""What a feature's collect.py is given: one reading of one target for one slot."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from dashboard.targets.connect import Reader
from dashboard.targets.models import Target

Cadence = Literal["minute", "five_minutes", "quarter_hour", "hour"]


@dataclass
class Collection:
    """`slot` is the minute that is collected (the exact time when asked by hand), `now` the time of the reading."""

    target: Target
    slot: datetime
    now: datetime
    reader: Reader
    rows: int = 0
    reason: str | None = None
    remedy_sql: str | None = None

    def done(self, rows: int) -> None:
        """How many rows the answer had; shown with the probe."""
        self.rows = rows

    def partial(self, reason: str, remedy_sql: str | None = None) -> None:
        """Something is missing in what was stored: a sentence why, and what an owner could run."""
        self.reason, self.remedy_sql = reason, remedy_sql


class Collector(Protocol):
    """The shape of every collect.py. It never commits; the same slot twice stores the same once.

    It may have `is_due_sooner(target_id, slot)` as well: whether a slot that its cadence leaves out is wanted.
    """

    @property
    def PROBE(self) -> str: ...  # noqa: N802 - constants of the module

    @property
    def CADENCE(self) -> str: ...  # noqa: N802

    def collect(self, collection: Collection) -> None: ...
