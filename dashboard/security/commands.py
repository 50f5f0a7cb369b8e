"""Accounts, keys and the audit log on the command line."""

from pathlib import Path

import click

from dashboard.errors import PilothouseError
from dashboard.security import edits, key_edits
from dashboard.security.audit import head, verify
from dashboard.security.models import ROLES
from dashboard.store import db


@click.command("create-account")
@click.option("--email", required=True)
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--name", default="", help="Shown beside their changes; the part before the @ when left out.")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Holds the password on its first line; asked for when left out.",
)
def create_account(email: str, role: str, name: str, password_file: Path | None) -> None:
    """Add an account that may sign in."""
    if password_file:
        password = password_file.read_text(encoding="utf-8", errors="replace").partition("\n")[0].rstrip("\r")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    edits.create_account(email=email, name=name, role=role, password=password)
    db.session.commit()
    click.echo(f"{email} may sign in as {role}.")


@click.group("key")
def key() -> None:
    """API keys of applications and scripts."""


@key.command("create")
@click.option("--kind", required=True, type=click.Choice(key_edits.KINDS))
@click.option(
    "--role", type=click.Choice(["viewer"]), default="viewer", show_default=True, help="What a read key reads."
)
@click.option("--environment", metavar="ENV", help="The one environment that a flags key evaluates.")
@click.option("--browser", is_flag=True, help="For web pages, where everybody can read it: evaluation only.")
@click.option("--origin", "origins", multiple=True, help="An origin that may use a browser key; can be repeated.")
@click.option("--name", help="Who uses it; a number is added when left out.")
@click.option("--expires-days", type=click.IntRange(1, key_edits.LONGEST_D), help="Never when left out.")
def create_key(
    kind: str,
    role: str,
    environment: str | None,
    browser: bool,
    origins: tuple[str, ...],
    name: str | None,
    expires_days: int | None,
) -> None:
    """Make a key; the last line of the output is the key alone."""
    made, words = key_edits.create_key(
        name=name or key_edits.free_name(f"{kind}-{environment or role}"),
        kind=kind,
        environment=environment,
        browser=browser,
        origins=list(origins),
        expires_days=expires_days,
    )
    made_name = made.name
    db.session.commit()
    click.echo(f"The key {made_name}, shown this once:")
    click.echo(words)


@click.group("audit")
def audit() -> None:
    """The audit log."""


@audit.command("verify")
def verify_chain() -> None:
    """Check that no entry was changed or removed; exit code 1 names the first that was."""
    if broken := verify():
        raise PilothouseError(f"The audit log is broken at entry {broken}: it was changed or is missing.")
    seq, digest = head()
    click.echo(f"{seq} entries, whole. Keep this elsewhere to prove it later: {digest}")


commands: list[click.Command] = [create_account, key, audit]
