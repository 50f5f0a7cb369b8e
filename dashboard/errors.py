"""The exceptions that features raise on purpose; web.py turns them into a page, a fragment or JSON."""

from collections.abc import Mapping


class PilothouseError(Exception):
    """Something that a person is told in a sentence of ours, never in the words of a database."""

    status = 500

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(sentence)


class NotFound(PilothouseError):  # noqa: N818 - reads as what happened
    status = 404


class Denied(PilothouseError):  # noqa: N818
    status = 403


class Conflict(PilothouseError):  # noqa: N818
    """Somebody else was faster; `difference` maps field → (theirs, yours)."""

    status = 409

    def __init__(self, sentence: str, difference: Mapping[str, tuple[object, object]] | None = None) -> None:
        self.difference = dict(difference or {})
        super().__init__(sentence)


class Invalid(PilothouseError):  # noqa: N818
    """What was sent cannot be used; `fields` maps field → sentence."""

    status = 422

    def __init__(self, fields: Mapping[str, str], sentence: str | None = None) -> None:
        self.fields = dict(fields)
        super().__init__(sentence or " ".join(fields.values()))


class Unavailable(PilothouseError):  # noqa: N818
    """Not now: the store or a target does not answer; `retry_after_s` says when to come back."""

    status = 503

    def __init__(self, sentence: str, retry_after_s: int = 5) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(sentence)
