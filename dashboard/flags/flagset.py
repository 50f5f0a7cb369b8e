"""An environment's flags made ready to answer: resolved in flagd's order, answers encoded beforehand (pure)."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dashboard.flags import wire
from dashboard.flags.bucketing import DEFAULT as BUCKETING
from dashboard.flags.coercions import text_of
from dashboard.flags.evaluate import Rule, compile_rule
from dashboard.flags.reading import FLAGD, RuleFailed
from dashboard.flags.rules import Definition


@dataclass(frozen=True)
class Resolution:
    """One evaluation: a variant with its reason, or an error code with its details."""

    reason: str
    variant: str | None = None
    error_code: str | None = None
    details: str = ""


@dataclass(frozen=True)
class ReadyFlag:
    """`answers` holds for every variant its part of the answer; `tail` closes it with the metadata."""

    key: str
    type: str
    definition: Definition
    rule: Rule | None
    answers: Mapping[str, str]
    tail: str

    def resolve(self, context: Mapping[str, Any]) -> Resolution:
        """The variant that this context gets; `context` holds `$flagd.timestamp` and gets this flag's key there."""
        if not self.definition.enabled:
            return Resolution("DISABLED")
        if self.rule is None:
            return self._default("STATIC")
        context[FLAGD]["flagKey"] = self.key
        try:
            value = self.rule.value(context)
        except RuleFailed as failed:
            return Resolution("ERROR", error_code="PARSE_ERROR", details=f"{failed}.")
        if value is None:
            return self._default("DEFAULT")
        name = text_of(value) if isinstance(value, str | int | float) else None
        if name in self.answers:
            return Resolution("TARGETING_MATCH", name)
        shown = json.dumps(value, ensure_ascii=False)[:100]
        return Resolution("ERROR", error_code="GENERAL", details=f"The rule gave {shown}, which names no variant.")

    def encoded(self, resolution: Resolution) -> str:
        """The answer as OFREP writes it: without a value where the application's own default is meant."""
        if resolution.error_code:
            details = json.dumps(resolution.details)
            return f'{{"key":"{self.key}","errorCode":"{resolution.error_code}","errorDetails":{details}{self.tail}'
        part = '"variant":""' if resolution.variant is None else self.answers[resolution.variant]
        return f'{{"key":"{self.key}","reason":"{resolution.reason}",{part}{self.tail}'

    def _default(self, reason: str) -> Resolution:
        variant = self.definition.default_variant
        return Resolution(reason, variant) if variant is not None else Resolution("DEFAULT")


def ready(key: str, type_: str, definition: Definition, set_metadata: Mapping[str, Any]) -> ReadyFlag:
    answers = {
        name: f'"value":{wire.write_value(value, type_)},"variant":{json.dumps(name)}'
        for name, value in definition.variants.items()
    }
    metadata = {**set_metadata, **definition.metadata}
    tail = f',"metadata":{json.dumps(metadata)}}}' if metadata else "}"
    rule = compile_rule(definition.targeting) if definition.targeting else None
    return ReadyFlag(key, type_, definition, rule, answers, tail)


@dataclass(frozen=True)
class FlagSet:
    """All flags of one environment; `revision` is another text after every change."""

    environment: str
    revision: str
    flags: Mapping[str, ReadyFlag]
    metadata: Mapping[str, Any]

    @cached_property
    def attributes(self) -> frozenset[str] | None:
        """The context attributes that the rules read; None: rules choose them while they run."""
        read = [flag.rule.attributes for flag in self._ruled]
        known = [attributes for attributes in read if attributes is not None]
        return frozenset().union(*known) if len(known) == len(read) else None

    @cached_property
    def reads_time(self) -> bool:
        return any(flag.rule.reads_time for flag in self._ruled)

    @cached_property
    def document(self) -> str:
        """flagd's JSON of the set: the same bytes for the same flags."""
        return wire.write_document(
            ((flag.key, flag.type, flag.definition) for flag in self.flags.values()), self.metadata
        )

    @cached_property
    def document_etag(self) -> str:
        return digest(self.document)

    def context(self, sent: Mapping[str, Any], timestamp: int) -> dict[str, Any]:
        """What rules see: the context that was sent; what was sent under `$flagd` is overwritten."""
        return {**sent, FLAGD: {"flagKey": "", "timestamp": timestamp}}

    def all_encoded(self, context: Mapping[str, Any]) -> str:
        return ",".join([flag.encoded(flag.resolve(context)) for flag in self.flags.values()])

    def etag(self, sent: Mapping[str, Any], extra: str) -> str | None:
        """Names every answer to this context without evaluating; None when the answer depends on the clock.

        A digest of the revision, the bucketing and those attributes that rules read.
        """
        if self.reads_time:
            return None
        names = sorted(sent) if self.attributes is None else sorted(self.attributes & sent.keys())
        seen = json.dumps([[name, sent[name]] for name in names], sort_keys=True)
        return digest(f"{self.environment}\n{self.revision}\n{BUCKETING}\n{extra}\n{seen}")

    @property
    def _ruled(self) -> list[Any]:
        return [flag for flag in self.flags.values() if flag.rule is not None]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def etag_matches(header: str, etag: str) -> bool:
    """If-None-Match compared weakly: a list, W/ forms, bare words that a client forgot to quote, and *."""
    candidates = [candidate.strip().removeprefix("W/") for candidate in header.split(",")]
    return any(candidate == "*" or candidate.strip('"') == etag for candidate in candidates)
