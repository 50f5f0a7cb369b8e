"""Changes that wait: where an environment needs approvals a change is asked for instead of made.

Whoever keeps the requests (`dashboard.approvals`) says so in the app's extensions; flags know no more of it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from flask import current_app

from dashboard.errors import PilothouseError
from dashboard.flags.models import Flag
from dashboard.targets.models import Environment

EXTENSION = "pilothouse_approvals"
PARTS = ("segment.set", "segment.remove", "flag.bucketing")  # changes of what the flags of an environment share
WHOLE = ("flag.archive", "flag.restore")  # changes of a flag in every environment at once
CANCEL = "flag.schedule.cancel"  # of a schedule that was approved; the document names it
Waiver = Literal["approved", "emergency"]


@dataclass(frozen=True)
class Proposal:
    """A change of a flag (or, `flag` None, of something that flags share), with what was there at `version`.

    `version` is that of the flag in the environment, of the part that is shared there or, where it is a change of the
    whole flag, its `everywhere.changes_of`. `steps`: what happens at which second, where it is a schedule; `document`
    is what the last one makes of the flag.
    """

    subject: str
    flag: Flag | None
    environment: Environment
    action: str
    title: str
    before: dict[str, Any] | None
    document: dict[str, Any]
    version: int
    reason: str | None
    steps: Sequence[tuple[int, dict[str, Any]]] | None = None


class NeedsApproval(PilothouseError):  # noqa: N818 - reads as what happened
    """Nothing was changed: all of this has to be approved first, by somebody else."""

    status = 409

    def __init__(self, proposals: Sequence[Proposal]) -> None:
        self.proposals = proposals
        place = proposals[0].environment.slug
        super().__init__(f"Changes in {place} need the approval of somebody else. Nothing was changed.")


def each(changes: Iterable[Callable[[], object]]) -> None:
    """Make every one of these changes that may be made at once. Raises NeedsApproval with all the others together."""
    held: list[Proposal] = []
    for change in changes:
        try:
            change()
        except NeedsApproval as waits:
            held += waits.proposals
    if held:
        raise NeedsApproval(held)


class Keeper(Protocol):
    """Keeps requests and reviews, in the transaction of whoever calls."""

    def ask(self, proposals: Sequence[Proposal], operation_id: str | None) -> str:
        """The address of the page where the requests wait."""

    def review(self, made: Proposal) -> None:
        """This was changed without approval; somebody else looks at it afterwards."""


def ask(held: NeedsApproval, operation_id: str | None) -> str:
    return _keeper().ask(held.proposals, operation_id)


def review(made: Proposal) -> None:
    """Ask for a look afterwards, where changes need approvals."""
    if made.environment.approvals_needed:
        _keeper().review(made)


def _keeper() -> Keeper:
    keeper: Keeper = current_app.extensions[EXTENSION]
    return keeper
