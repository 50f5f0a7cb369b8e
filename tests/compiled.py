"""What apps compile when they are made and asked: once in a test run, where each app would do it again."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]


class Compiled(FileSystemBytecodeCache):
    """Templates that one app compiled, for those after it and for the processes of the same run."""

    codes: ClassVar[dict[tuple[str, str], Any]] = {}
    folder: ClassVar[Path | None] = None  # a benchmark has none, and jinja2 takes its own

    def __init__(self) -> None:
        super().__init__(str(self.folder) if self.folder else None)

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.codes.get((bucket.key, bucket.checksum))
        if bucket.code is None:
            super().load_bytecode(bucket)
            self.codes[bucket.key, bucket.checksum] = bucket.code

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.codes[bucket.key, bucket.checksum] = bucket.code
        super().dump_bytecode(bucket)


def compile_addresses_once() -> None:
    """How a route makes its address is a function that werkzeug writes: nine tenths of the making of an app."""
    builders: dict[tuple[Any, ...], Builder] = {}
    compiled = Rule._compile_builder

    @functools.wraps(compiled)
    def once(rule: Rule, append_unknown: bool = True) -> Builder:
        if rule.defaults:
            return compiled(rule, append_unknown)
        key = rule.rule, *rule._trace, append_unknown
        if key not in builders:
            builders[key] = compiled(rule, append_unknown)
        return builders[key]

    Rule._compile_builder = once  # type: ignore[method-assign]
