"""What was vendored is what was reviewed; icons that pages name exist."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VENDOR = ROOT / "static" / "vendor"
LISTED = re.findall(r"\| `([\w.-]+\.js)` .*\| `([\w+/=]{64})` \|", (VENDOR / "README.md").read_text("utf-8"))


@pytest.mark.parametrize(("name", "digest"), LISTED)
def test_a_vendored_file_has_the_listed_digest(name: str, digest: str) -> None:
    assert base64.b64encode(hashlib.sha384((VENDOR / name).read_bytes()).digest()).decode() == digest


def test_every_vendored_script_is_listed() -> None:
    assert {path.name for path in VENDOR.glob("*.js")} == {name for name, _ in LISTED}


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    there = set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "static" / "icons.svg").read_text("utf-8")))
    named = {
        name
        for path in (ROOT / "templates").rglob("*.html")
        for name in re.findall(r'\bicon(?:\(|=|_name=)"([\w-]+)"', path.read_text("utf-8"))
    }
    assert named - there == set()
