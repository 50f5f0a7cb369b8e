"""A remedy as a migration file for Alembic, to be reviewed and committed by the team that owns the database (pure)."""

import hashlib
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dashboard.findings.rules import limited

LIMIT = re.compile(r"SET (LOCAL )?lock_timeout = '\d+s'|RESET lock_timeout")
SLUG_LENGTH = 40
FILE = '''"""{title}

{why}

Revision ID: {revision}
Revises: {revises}
Create Date: {at}

Written by Pilothouse for its finding {key}.
"""

import sqlalchemy as sa
from alembic import op

revision = {revision!r}
{down_comment}down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
{up}

def downgrade() -> None:
{down_body}'''


@dataclass(frozen=True)
class Migration:
    """What a file is made of; `heads` are the newest revisions of the target's folder, none when it is not known."""

    key: str
    title: str
    why: str
    up: Sequence[str]
    down: Sequence[str]
    in_transaction: bool
    heads: Sequence[str]
    opened_at: datetime
    now: datetime

    @property
    def revision(self) -> str:
        """The same file for the same finding, another one when it came back after it had ended."""
        return hashlib.sha256(f"{self.key}\n{self.opened_at.isoformat()}".encode()).hexdigest()[:12]

    @property
    def file_name(self) -> str:
        slug = re.sub(r"[^a-z0-9]+", "_", self.title.lower()).strip("_")[:SLUG_LENGTH].rstrip("_")
        return f"{self.revision}_{slug}.py" if slug else f"{self.revision}.py"

    def text(self) -> str:
        head = self.heads[0] if len(self.heads) == 1 else None
        return FILE.format(
            title=_prose(self.title),
            why="\n".join(textwrap.wrap(_prose(self.why), 100)),
            key=_prose(self.key),
            revision=self.revision,
            revises=_prose(head or ""),
            at=self.now.astimezone(UTC).isoformat(sep=" ", timespec="seconds"),
            down=head,
            down_comment=_down_comment(self.heads),
            up=_body(self.up, in_transaction=self.in_transaction),
            down_body=_body(self.down, in_transaction=self.in_transaction),
        )


def _down_comment(heads: Sequence[str]) -> str:
    if len(heads) == 1:
        return ""
    if heads:
        return f"# There are {len(heads)} heads: {_prose(', '.join(heads))}. Write the one that this follows.\n"
    return "# Pilothouse does not know your migrations: write your newest revision here.\n"


def _body(statements: Sequence[str], *, in_transaction: bool) -> str:
    if not statements:
        return "    pass  # there is nothing to take back\n"
    lines = [f"op.execute({_literal(one)})\n" for one in limited(statements, in_transaction=in_transaction)]
    if in_transaction:
        return "".join(f"    {line}" for line in lines)
    return (
        "    # Outside of a transaction: run it again when it was interrupted, it begins with what is left over.\n"
        "    with op.get_context().autocommit_block():\n" + "".join(f"        {line}" for line in lines)
    )


def _literal(statement: str) -> str:
    """The statement word for word: DDL takes % twice and, unlike text(), no colon for a parameter."""
    if LIMIT.fullmatch(statement):
        return f'"{statement}"'
    return f"sa.DDL({statement.replace('%', '%%')!r})"


def _prose(text: str) -> str:
    """Inside the docstring or a comment: one line, no quote or backslash that could end or change it."""
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(printable.replace("\\", "\\\\").replace('"', '\\"').split())
