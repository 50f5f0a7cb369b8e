"""What an evaluation request may carry (pure)."""

import json
from typing import Any

from dashboard.flags.exact import Refused, check_text
from dashboard.flags.rules import MAX_DEPTH, depth_of

LARGEST_BODY = 1_000_000


class BadContext(ValueError):  # noqa: N818 - reads as what happened
    """A body that cannot be evaluated; `code` is OFREP's word for it."""

    def __init__(self, code: str, sentence: str) -> None:
        self.code, self.sentence = code, sentence
        super().__init__(sentence)


def context_of(body: bytes) -> dict[str, Any]:
    """The evaluation context of a request; empty when the body names none. Raises BadContext."""
    try:
        sent = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise BadContext("PARSE_ERROR", "The body is not JSON that can be read.") from None
    if not isinstance(sent, dict):
        raise BadContext("PARSE_ERROR", "The body must be an object with “context”.")
    context = sent.get("context", {})
    if not isinstance(context, dict):
        raise BadContext("INVALID_CONTEXT", "“context” must be an object.")
    if not isinstance(context.get("targetingKey"), str | None):
        raise BadContext("INVALID_CONTEXT", "“targetingKey” must be a text.")
    if depth_of(context, limit=MAX_DEPTH) > MAX_DEPTH:
        raise BadContext("INVALID_CONTEXT", f"The context is nested deeper than {MAX_DEPTH} levels.")
    if b"\\u" in body:
        _check_text(context)
    return context


def _check_text(context: dict[str, Any]) -> None:
    try:
        check_text(context)
    except Refused as refused:
        raise BadContext("INVALID_CONTEXT", refused.sentence) from None
