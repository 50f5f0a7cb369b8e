"""An environment's flags made ready to answer: resolved in flagd's order, answers encoded beforehand (pure).

Rules are compiled and answers encoded when they are first needed, once: a set of 10,000 flags is there at once, and a
change costs what its own flag costs.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from dashboard.flags import wire
from dashboard.flags.bucketing import DEFAULT, Bucketing
from dashboard.flags.bulk_answers import Bulk
from dashboard.flags.carried import carried
from dashboard.flags.coercions import text_of
from dashboard.flags.evaluate import Rule, compile_rule
from dashboard.flags.read_by import ReadBy, Reads, read_by
from dashboard.flags.reading import FLAGD, RuleFailed
from dashboard.flags.rules import Definition
from dashboard.flags.targeting import references

NOTHING: Reads = (frozenset(), False)
FEW = 100


@dataclass(frozen=True)
class Resolution:
    """One evaluation: a variant with its reason, or an error code with its details; `text` is OFREP's answer."""

    reason: str
    variant: str | None = None
    error_code: str | None = None
    details: str = ""
    text: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True)
class Common:
    """What all flags of a set share: metadata, the rules that their rules refer to, and how they bucket.

    What did not change from one to the next is the same object in both, so comparing them takes a moment.
    """

    metadata: Mapping[str, Any] = field(default_factory=dict)
    evaluators: Mapping[str, Any] = field(default_factory=dict)
    bucketing: Bucketing = DEFAULT


@dataclass(frozen=True)
class ReadyFlag:
    key: str
    type: str
    definition: Definition
    common: Common = field(default_factory=Common)

    @cached_property
    def rule(self) -> Rule | None:
        if not self.definition.targeting:
            return None
        return compile_rule(self.definition.targeting, self.common.evaluators, self.common.bucketing)

    def resolve(self, context: Mapping[str, Any]) -> Resolution:
        """The variant that this context gets; `context` holds `$flagd.timestamp` and gets this flag's key there."""
        if self.fixed is not None:
            return self.fixed
        context[FLAGD]["flagKey"] = self.key
        try:
            value = self.rule.value(context)  # type: ignore[union-attr] # without a rule the answer is fixed
        except RuleFailed as failed:
            return self._error("PARSE_ERROR", f"{failed}.")
        return self.resolved(value)

    def resolved(self, value: Any) -> Resolution:
        """What the value that the rule gave means."""
        if type(value) is str and value in self._matches:
            return self._matches[value]
        if value is None:
            return self._default
        name = text_of(value) if isinstance(value, str | int | float) else None
        if name in self._matches:
            return self._matches[name]
        shown = json.dumps(value, ensure_ascii=False)[:100]
        return self._error("GENERAL", f"The rule gave {shown}, which names no variant.")

    def encoded(self, resolution: Resolution) -> str:
        """The answer as OFREP writes it: without a value where the application's own default is meant, as null is."""
        return resolution.text

    @property
    def reads(self) -> Reads:
        """What its rule reads: attributes (None: any of them), and whether the clock."""
        rule = self.rule if self.definition.enabled else None
        return (rule.attributes, rule.reads_time) if rule else NOTHING

    @cached_property
    def shared(self) -> frozenset[str]:
        """The shared rules that its rule names."""
        if not self.definition.enabled or self.rule is None:
            return references(self.definition.targeting)
        return self.rule.shared

    @cached_property
    def line(self) -> str:
        """This flag in flagd's document."""
        return wire.write_flag(self.type, self.definition)

    @cached_property
    def fixed(self) -> Resolution | None:
        """The answer that no context changes."""
        if not self.definition.enabled:
            return self._answer("DISABLED", None)
        return self._by_default("STATIC") if self.rule is None else None

    @cached_property
    def _default(self) -> Resolution:
        return self._by_default("DEFAULT")

    @cached_property
    def texts(self) -> Mapping[Any, str]:
        """What the values that rules give most come to: the name of a variant, or nothing."""
        return {name: match.text for name, match in self._matches.items()} | {None: self._default.text}

    @cached_property
    def _matches(self) -> Mapping[str | None, Resolution]:
        return {name: self._answer("TARGETING_MATCH", name) for name in self.definition.variants}

    def _by_default(self, reason: str) -> Resolution:
        variant = self.definition.default_variant
        return self._answer(reason if variant is not None else "DEFAULT", variant)

    def _answer(self, reason: str, variant: str | None) -> Resolution:
        part = '"variant":""'
        if variant is not None:
            value, part = self.definition.variants[variant], f'"variant":{json.dumps(variant)}'
            if value is not None:
                part = f'"value":{wire.write_value(value, self.type)},{part}'
        return Resolution(reason, variant, text=f'{{"key":"{self.key}","reason":"{reason}",{part}{self._tail}')

    def _error(self, code: str, details: str) -> Resolution:
        parts = f'"errorCode":"{code}","errorDetails":{json.dumps(details)}'
        return Resolution("ERROR", None, code, details, f'{{"key":"{self.key}",{parts}{self._tail}')

    @cached_property
    def _tail(self) -> str:
        metadata = {**self.common.metadata, **self.definition.metadata}
        return f',"metadata":{json.dumps(metadata)}}}' if metadata else "}"


@dataclass(frozen=True)
class FlagSet:
    """All flags of one environment, in the order of their keys; `revision` is another text after every change."""

    environment: str
    revision: str
    flags: Mapping[str, ReadyFlag]
    common: Common = field(default_factory=Common)
    read: ReadBy | None = field(default=None, repr=False, compare=False)

    @property
    def metadata(self) -> Mapping[str, Any]:
        return self.common.metadata

    def changed(
        self, revision: str, changes: Mapping[str, ReadyFlag | None], common: Common | None = None
    ) -> "FlagSet":
        """The next revision: some flags are other ones, new, or (None) gone, and perhaps they share something else."""
        common = common or self.common
        changes = {**carried(self, common), **changes}
        flags = dict(self.flags)
        for key, flag in changes.items():
            if flag is None:
                flags.pop(key, None)
            else:
                flags[key] = flag
        if changes.keys() - self.flags.keys():
            flags = dict(sorted(flags.items()))
        pairs = [(self.flags.get(key), flag) for key, flag in changes.items()]
        read = self.read_by.changed(pairs) if len(pairs) <= FEW else None
        return replace(self, revision=revision, flags=flags, common=common, read=read)

    def warm(self) -> None:
        """Compile what a first question would have to wait for."""
        _ = self.attributes, self.reads_time

    @cached_property
    def attributes(self) -> frozenset[str] | None:
        """The context attributes that the rules read; None: rules choose them while they run."""
        return self.read_by.attributes

    @cached_property
    def reads_time(self) -> bool:
        return self.read_by.reads_time

    @cached_property
    def metadata_part(self) -> str:
        """The set's metadata as bulk answers carry it behind the flags."""
        return f',"metadata":{json.dumps(self.metadata)}' if self.metadata else ""

    @cached_property
    def document(self) -> str:
        """flagd's JSON of the set: the same bytes for the same flags."""
        lines = ((flag.key, flag.line) for flag in self.flags.values())
        return wire.document_of_lines(lines, self.metadata, self.common.evaluators)

    @cached_property
    def document_bytes(self) -> bytes:
        return self.document.encode()

    @cached_property
    def document_etag(self) -> str:
        return digest(self.document)

    def context(self, sent: Mapping[str, Any], timestamp: int) -> dict[str, Any]:
        """What rules see: the context that was sent; what was sent under `$flagd` is overwritten."""
        return {**sent, FLAGD: {"flagKey": "", "timestamp": timestamp}}

    def etag(self, sent: Mapping[str, Any], extra: str) -> str | None:
        """Names every answer to this context without evaluating; None when the answer depends on the clock.

        A digest of the revision, the bucketing and those attributes that rules read.
        """
        if self.reads_time:
            return None
        names = sorted(sent) if self.attributes is None else sorted(self.attributes & sent.keys())
        seen = _written([[name, sent[name]] for name in names])
        return digest(f"{self.environment}\n{self.revision}\n{self.common.bucketing}\n{extra}\n{seen}")

    @cached_property
    def bulk(self) -> Bulk:
        return Bulk(self.flags.values())

    @cached_property
    def read_by(self) -> ReadBy:
        return self.read if self.read is not None else read_by(self.flags.values())


_written = json.JSONEncoder(sort_keys=True).encode


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]
