"""Decisions of sign-in and requests (pure)."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from dashboard.errors import Invalid

HIDDEN = "•••"
_SECRET = re.compile(
    r"password|passphrase|secret|token|credential|api_?key|key_hash|dsn|cookie|authorization", re.IGNORECASE
)
_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*\Z")
_LOOKALIKES = str.maketrans("013457@$!", "oleastasi")
_RUNS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop")
_RUNS_OF_FOUR = frozenset(
    run[at : at + 4] for line in _RUNS for run in (line, line[::-1]) for at in range(len(line) - 3)
)


def own_request(fetch_site: str | None, origin: str | None, own_origin: str) -> bool:
    """Whether an unsafe request comes from our own pages; a client that sends neither header is no browser.

    Browsers send Sec-Fetch-Site on https and loopback only; on plain http elsewhere Origin arrives alone.
    """
    if fetch_site is not None:
        return fetch_site == "same-origin"
    return origin is None or origin == own_origin


def same_site_path(asked: str | None, default: str = "/") -> str:
    """Where to go after sign-in: a path of ours, never another host."""
    if asked and len(asked) <= 2_000 and _PATH.match(asked):
        return asked
    return default


def wait_s(failures: Sequence[datetime], now: datetime, *, free: int, longest_s: int) -> int:
    """Seconds until the next attempt is looked at: none for the first `free` failures, then 2, 4, 8 … `longest_s`."""
    if len(failures) <= free:
        return 0
    delay = timedelta(seconds=min(longest_s, 2 ** min(len(failures) - free, 20)))
    left = (max(failures) + delay - now).total_seconds()
    return max(0, -int(-left // 1))


def redacted(fields: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The fields of an audit entry without what must not be kept: secrets by name, at any depth."""
    if fields is None:
        return None
    return {name: HIDDEN if _is_secret(name, value) else _plain(value) for name, value in fields.items()}


def changed_secrets(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Both sides redacted; a secret that differs still reads as changed."""
    old, new = redacted(before), redacted(after)
    for name in (old or {}).keys() & (new or {}).keys():
        if old and new and old[name] == new[name] == HIDDEN and (before or {})[name] != (after or {})[name]:
            new[name] = f"{HIDDEN} (another one)"
    return old, new


def difference(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> list[tuple[str, str | None, str | None]]:
    """(field, old, new) of every field that differs, by name, in words; None where a side has nothing."""
    old, new = before or {}, after or {}
    return [
        (name, _words(old.get(name)), _words(new.get(name)))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def browser_words(user_agent: str) -> str:
    """Firefox on Linux, as people call what they sit at; the raw words when neither is known."""
    browsers = (
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    )
    systems = (
        ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
        ("Mac OS", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
    )  # fmt: skip
    browser = next((name for sign, name in browsers if sign in user_agent), None)
    system = next((name for sign, name in systems if sign in user_agent), None)
    if browser and system:
        return f"{browser} on {system}"
    return browser or user_agent[:60] or "unknown"


def _words(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_secret(name: str, value: Any) -> bool:
    return value not in (None, "") and not isinstance(value, bool) and _SECRET.search(name) is not None


def _plain(value: Any) -> Any:
    """JSON as PostgreSQL keeps it: no NUL, no NaN, whole floats as integers, times and the rest as text."""
    if isinstance(value, Mapping):
        return redacted({_text(name): item for name, item in value.items()})
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and value == value and abs(value) != float("inf"):  # noqa: PLR0124 - NaN differs from itself
        return int(value) if value.is_integer() else value
    return _text(value.isoformat() if isinstance(value, datetime) else value)


def _text(value: Any) -> str:
    return str(value).replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")


def own_part(password: str, whole: frozenset[str], parts: Sequence[str], email: str) -> int:
    """How many characters of a password are its own: no common word, run, repetition, year, nor the e-mail itself.

    Blanks and signs do not count; "P4ssw0rd!" is read as "password" too.
    """
    plain = _letters(password)
    read = plain.translate(_LOOKALIKES)
    if plain in whole or read in whole:
        return 0
    words = (*parts, _letters(email), *([local] if len(local := _letters(email.partition("@")[0])) > 7 else []))
    left = _unrepeated(min((_without(text, words) for text in (plain, read)), key=len))
    return len(left) + sum(1 for sign in password if not sign.isascii())


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9@$!]", "", text.lower())


def _without(text: str, words: Sequence[str]) -> str:
    """The text without common words, runs of four along the alphabet or keyboard (either way), and years."""
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, " ")
    text = re.sub(r"(?:19|20)\d\d", " ", text)
    common = [False] * len(text)
    for at in range(len(text) - 3):
        if text[at : at + 4] in _RUNS_OF_FOUR:
            common[at : at + 4] = [True] * 4
    return "".join(sign for sign, is_common in zip(text, common, strict=True) if sign.isalnum() and not is_common)


def _unrepeated(text: str) -> str:
    """A text that only repeats its beginning is as good as its beginning: abcabcabc → abc, aaaa → a."""
    text = re.sub(r"(.)\1{2,}", r"\1", text)
    size = next(
        (size for size in range(1, len(text)) if (text[:size] * (len(text) // size + 1))[: len(text)] == text), 0
    )
    return text[:size] if size else text


def one_line(field: str, text: str, problems: dict[str, str], *, longest: int) -> str:
    """The trimmed text of a form field; what cannot be used is added to `problems`."""
    text = text.strip()
    if not text:
        problems[field] = "This is needed."
    elif len(text) > longest or not text.isprintable():
        problems[field] = f"At most {longest} characters on one line."
    return text or " "


def number(field: str, text: str, *, largest: int = 2_147_483_647) -> int:
    """A whole number of a form. Raises Invalid."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= largest):
        raise Invalid({field: "This is no whole number."})
    return int(text)
