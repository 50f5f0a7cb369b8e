"""What the documents say is what the program does."""

import re
from pathlib import Path

import click
import pytest

from dashboard.commands import main
from dashboard.settings import SECRETS, VARIABLES, Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#]+)")


def row_of(name: str) -> str:
    """A setting as the README's table shows it."""
    field = Settings.model_fields[VARIABLES[name]]
    default = "" if field.default in (None, "") else f"`{field.default}`"
    secret = " (or a file: `" + name + "_FILE`)" if name in SECRETS else ""
    return f"| `{name}` | {default} | {field.description}{secret} |"


def commands(group: click.Group, prefix: str = "pilothouse") -> list[str]:
    found = []
    for name, command in sorted(group.commands.items()):
        if command.hidden:
            continue
        inner = isinstance(command, click.Group)
        found += commands(command, f"{prefix} {name}") if inner else [f"{prefix} {name}"]
    return found


@pytest.mark.parametrize("name", VARIABLES)
def test_every_setting_is_in_the_readme_as_the_program_has_it(name: str) -> None:
    assert row_of(name) in README


def test_the_readme_names_no_setting_that_does_not_exist() -> None:
    named = set(re.findall(r"`(PILOTHOUSE_[A-Z_]+)`", README))
    assert named <= VARIABLES.keys() | {f"{name}_FILE" for name in SECRETS}


@pytest.mark.parametrize("command", commands(main))
def test_every_command_is_in_the_operating_guide(command: str) -> None:
    assert f"`{command}" in (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    missing = [link for link in LINK.findall(document.read_text("utf-8")) if not (document.parent / link).exists()]
    assert not missing


def test_the_version_stands_in_the_changelog() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert version is not None
    assert f"## {version[1]}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
