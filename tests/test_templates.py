"""House rules of templates: nothing inline, nothing that needs eval, a nonce on every htmx element, all escaped."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
TAG = re.compile(r"<[a-zA-Z][\w-]*(?:\{\{.*?\}\}|\{%.*?%\}|\"[^\"]*\"|'[^']*'|[^<>\"'])*>", re.DOTALL)
OLD_HTMX = ("hx-disinherit", "hx-inherit", "hx-ext", "hx-vars", "hx-params", "hx-request=", "hx-disabled-elt")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT / "templates"))


def tags(path: Path) -> list[str]:
    text = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
    return TAG.findall(text)


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_no_escaping_is_undone(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"\|\s*safe\b|\bautoescape\b|\bMarkup\b", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_nothing_is_inline_or_needs_eval(path: Path) -> None:
    for tag in tags(path):
        assert not re.search(r"\s(style|on\w+|hx-on\S*)\s*=", tag), tag
        assert "js:" not in tag, tag
        assert "javascript:" not in tag.lower(), tag
        if "hx-trigger" in tag:
            assert "[" not in re.search(r'hx-trigger="([^"]*)"', tag)[1], tag  # type: ignore[index]
        if tag.startswith("<script"):
            assert "src=" in tag, tag
            assert 'nonce="{{ nonce() }}"' in tag, tag
        assert not tag.startswith("<style"), tag


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_every_htmx_element_carries_the_nonce(path: Path) -> None:
    for tag in tags(path):
        if re.search(r"\shx-[a-z]", tag):
            assert 'hx-nonce="{{ nonce() }}"' in tag, tag


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_no_spelling_of_older_htmx_is_left(path: Path) -> None:
    assert not [word for tag in tags(path) for word in OLD_HTMX if word in tag]


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_every_form_that_writes_carries_the_token(path: Path) -> None:
    text = path.read_text("utf-8")
    for form in re.findall(r'<form[^>]*method="post".*?</form>', text, re.DOTALL | re.IGNORECASE):
        assert "csrf()" in form or "csrf_token" in form, form[:200]
