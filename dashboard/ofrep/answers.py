"""What an application gets for its question; the same whether Flask asks or the short way does."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask.sansio.app import App

from dashboard.errors import Denied
from dashboard.flags import live, recent, usage
from dashboard.flags.flagset import FlagSet, digest
from dashboard.flags.streams import SLOT_S, stream_token
from dashboard.flags.usage_counts import Asker
from dashboard.ofrep.kept import Kept, KeptAnswers
from dashboard.ofrep.rate import WAIT_S, Rate
from dashboard.ofrep.rules import BadContext, context_of, etag_matches
from dashboard.security.principals import Principal

EXTENSION = "pilothouse_evaluations"
INACTIVITY_S = 120
TOO_MANY = "This API key asks for more evaluations a second than are allowed here."
NO_ENVIRONMENT = "This API key belongs to no environment."


@dataclass(slots=True)
class Answer:
    """`etag` without its quotes; `state` says for how long the store has been away, None while it is there."""

    status: int
    body: bytes
    etag: str | None = None
    state: str | None = None
    retry_after_s: int | None = None

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What stands above the body, whichever way it is sent."""
        named = [("Cache-Control", "private, no-cache")]
        if self.etag is not None:
            named.append(("ETag", f'"{self.etag}"'))
        if self.state is not None:
            named.append(("Pilothouse-Flags", self.state))
        if self.retry_after_s is not None:
            named.append(("Retry-After", str(self.retry_after_s)))
        return named


class Evaluations:
    """One for each app."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._kept = KeptAnswers()
        self.rate = Rate(app.extensions["pilothouse_settings"].flags_per_second)

    def flags_of(self, asked_by: Principal | None) -> FlagSet:
        """Raises NotFound and Unavailable as well as Denied."""
        if asked_by is None or asked_by.environment_id is None:
            raise Denied(NO_ENVIRONMENT)
        return live.of(self._app).flags_of(asked_by.environment_id)

    def one(self, asked_by: Principal, flags: FlagSet, key: str, body: bytes) -> Answer:
        if not self.rate.admits(asked_by.id, time.monotonic()):
            return self._held_back(key)
        try:
            sent = self._context(asked_by, body)
        except BadContext as bad:
            return self.failure(400, bad.code, bad.sentence, key)
        flag = flags.flags.get(key)
        if flag is None:
            usage.of(self._app).unknown(_asker(asked_by), key)
            return self.failure(404, "FLAG_NOT_FOUND", f"There is no flag {key} in {flags.environment}.", key)
        resolution = flag.resolve(flags.context(sent, int(time.time())))
        usage.of(self._app).single(_asker(asked_by), resolution.text)
        return self._answer(400 if resolution.error_code else 200, resolution.text.encode())

    def every(self, asked_by: Principal, flags: FlagSet, body: bytes, if_none_match: str) -> Answer:
        """All flags of the set; an answer that was given before is found by its ETag."""
        if not self.rate.admits(asked_by.id, time.monotonic()):
            return self._held_back()
        try:
            sent = self._context(asked_by, body)
        except BadContext as bad:
            return self.failure(400, bad.code, bad.sentence)
        closing = self._closing(asked_by, flags)
        etag = flags.etag(sent, closing)
        if etag and if_none_match and etag_matches(if_none_match, etag):
            return self._unchanged(asked_by, etag)
        found = self._kept.find(etag) if etag else None
        if found is not None:
            usage.of(self._app).again(_asker(asked_by), found)
            return self._answer(200, found.body, etag)
        found = _evaluated(flags, sent, closing)
        if etag:
            self._kept.keep(etag, found)
        else:
            etag = digest(found.body.decode())
            if etag_matches(if_none_match, etag):
                return self._unchanged(asked_by, etag)
        usage.of(self._app).bulk(_asker(asked_by), found.changing, found.always)
        return self._answer(200, found.body, etag)

    def _context(self, asked_by: Principal, body: bytes) -> dict[str, Any]:
        """Noticed where the environment keeps recent contexts. Raises BadContext."""
        sent = context_of(body)
        recent.of(self._app).note(asked_by.environment_id, sent, len(body))
        return sent

    def _unchanged(self, asked_by: Principal, etag: str) -> Answer:
        usage.of(self._app).unchanged(_asker(asked_by))
        return self._answer(304, b"", etag)

    def failure(self, status: int, code: str, details: str, key: str | None = None) -> Answer:
        named = {"key": key} if key is not None else {}
        return self._answer(status, json.dumps(named | {"errorCode": code, "errorDetails": details}).encode())

    def _held_back(self, key: str | None = None) -> Answer:
        held_back = self.failure(429, "GENERAL", TOO_MANY, key)
        held_back.retry_after_s = WAIT_S
        return held_back

    def document(self, asked_by: Principal, flags: FlagSet) -> Answer:
        usage.of(self._app).downloaded(_asker(asked_by))
        return self._answer(200, flags.document_bytes, flags.document_etag)

    def _answer(self, status: int, body: bytes, etag: str | None = None) -> Answer:
        state = live.of(self._app).state()
        told = None if state.status == "fresh" else f"{state.status}; age={int(state.age_s or 0)}"
        return Answer(status, body, etag, told)

    def _closing(self, asked_by: Principal, flags: FlagSet) -> str:
        """What follows the flags of a bulk answer: the set's metadata, and where changes are announced."""
        address = self._app.extensions["pilothouse_settings"].events_url
        if not address or asked_by.environment_id is None:
            return flags.metadata_part
        slot = int(time.time()) // SLOT_S
        secret_key = str(self._app.config["SECRET_KEY"])
        return flags.metadata_part + _stream_part(address, secret_key, asked_by.environment_id, slot)


def init_app(app: App) -> None:
    app.extensions[EXTENSION] = Evaluations(app)


def of(app: App) -> Evaluations:
    found: Evaluations = app.extensions[EXTENSION]
    return found


def _asker(asked_by: Principal) -> Asker:
    return (asked_by.environment_id or 0, asked_by.id)


def _evaluated(flags: FlagSet, sent: Mapping[str, Any], closing: str) -> Kept:
    answers = flags.bulk.answers(flags.context(sent, int(time.time())))
    return Kept(f'{{"flags":[{flags.bulk.written(answers)}]{closing}}}'.encode(), answers, flags.bulk.always)


@lru_cache(maxsize=1_000)
def _stream_part(address: str, secret_key: str, environment_id: int, slot: int) -> str:
    """The same for an hour."""
    token = stream_token(secret_key, environment_id, slot * SLOT_S)
    stream = {"type": "sse", "url": f"{address.rstrip('/')}/events/{token}", "inactivityDelaySec": INACTIVITY_S}
    return f',"eventStreams":[{json.dumps(stream)}]'
