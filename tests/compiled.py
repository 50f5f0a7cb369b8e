"""Templates are compiled once in a test run, where each app would do it again."""

from pathlib import Path
from typing import Any, ClassVar

from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket


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
