"""What an evaluation request may carry (pure)."""

import json
from typing import Any

from dashboard.flags.exact import Refused, check_text
from dashboard.flags.rules import MAX_DEPTH

LARGEST_BODY = 65_536
MOST_PARTS = 2_000
TANGLED = f"A context nests at most {MAX_DEPTH} levels deep and has at most {MOST_PARTS:,} lists and objects."
NOT_BRACKETS = bytes(set(range(256)) - set(b'[]{}"'))


class BadContext(ValueError):  # noqa: N818 - reads as what happened
    """A body that cannot be evaluated; `code` is OFREP's word for it."""

    def __init__(self, code: str, sentence: str) -> None:
        self.code, self.sentence = code, sentence
        super().__init__(sentence)


def context_of(body: bytes) -> dict[str, Any]:
    """The evaluation context of a request; empty when the body names none. Raises BadContext."""
    if is_tangled(body):
        raise BadContext("INVALID_CONTEXT", TANGLED)
    try:
        sent = _read(body.decode())
    except (ValueError, RecursionError):
        raise BadContext("PARSE_ERROR", "The body is not JSON that can be read.") from None
    if not isinstance(sent, dict):
        raise BadContext("PARSE_ERROR", "The body must be an object with “context”.")
    context = sent.get("context", {})
    if not isinstance(context, dict):
        raise BadContext("INVALID_CONTEXT", "“context” must be an object.")
    if not isinstance(context.get("targetingKey"), str | None):
        raise BadContext("INVALID_CONTEXT", "“targetingKey” must be a text.")
    if b"\\u" in body:
        _check_text(context)
    return context


def _no_number(name: str) -> Any:
    """NaN and Infinity, which Python would take for JSON."""
    raise ValueError(name)


_read = json.JSONDecoder(parse_constant=_no_number).decode


def is_tangled(body: bytes) -> bool:
    """Whether lists and objects are too many or too deep, seen without reading the JSON: the innermost pairs of
    brackets are taken away, level by level. What is no JSON may give either answer.
    """
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH + 1:
        return False
    texts_and_brackets = body.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, NOT_BRACKETS)
    brackets = b"".join(texts_and_brackets.replace(b'""', b"").split(b'"')[::2])
    if len(brackets) > 2 * MOST_PARTS:
        return True
    for _ in range(MAX_DEPTH + 1):
        fewer = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(fewer) == len(brackets):
            return False
        brackets = fewer
    return bool(brackets)


def etag_matches(header: str, etag: str) -> bool:
    """If-None-Match compared weakly: a list, W/ forms, bare words that a client forgot to quote, and *."""
    if header == f'"{etag}"':
        return True
    candidates = [candidate.strip().removeprefix("W/") for candidate in header.split(",")]
    return any(candidate == "*" or candidate.strip('"') == etag for candidate in candidates)


def _check_text(context: dict[str, Any]) -> None:
    try:
        check_text(context)
    except Refused as refused:
        raise BadContext("INVALID_CONTEXT", refused.sentence) from None
