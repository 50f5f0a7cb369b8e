"""What a password must be, and how it is kept: argon2id, at most two at once in a process."""

import secrets
import threading
import unicodedata
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

from dashboard.errors import Unavailable
from dashboard.security.rules import own_part

SHORTEST, LONGEST = 15, 1_024
OWN = 5
MEMORY_KIB = 64 * 1024
WAIT_S = 10
COMMON = Path(__file__).parent / "common_passwords.txt"
READABLE = "abcdefghijkmnpqrstuvwxyz23456789"
_turns = threading.BoundedSemaphore(2)


def weakness(password: str, email: str) -> str | None:
    """Why this password is refused, in a sentence; None when it is good enough."""
    if len(password) < SHORTEST:
        return f"The password has {SHORTEST} characters or more; a few words in a row are easy to remember."
    if len(password) > LONGEST:
        return f"The password has at most {LONGEST} characters."
    whole, parts = common()
    if own_part(password, whole, parts, email) < OWN:
        return "This password is among the first that are tried. Take words that nobody would put together."
    return None


def hashed(password: str) -> str:
    with _Turn():
        return hasher().hash(_normal(password))


def matches(stored: str | None, password: str) -> bool:
    """Takes as long for an account that does not exist (None) as for one that does."""
    text = _normal(password[: LONGEST + 1])
    with _Turn():
        try:
            hasher().verify(stored or _nobodys(_memory()), text)
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    return hasher().check_needs_rehash(stored)


def random_password() -> str:
    """Four groups of five, 100 bits, without letters that look alike."""
    return "-".join("".join(secrets.choice(READABLE) for _ in range(5)) for _ in range(4))


@cache
def common() -> tuple[frozenset[str], tuple[str, ...]]:
    """(whole passwords, parts of passwords) that are tried first; parts from the longest."""
    lines = COMMON.read_text(encoding="utf-8").splitlines()
    words = [line for line in lines if line and not line.startswith("#")]
    whole = frozenset(word for word in words if len(word) >= SHORTEST)
    return whole, tuple(sorted({word for word in words if len(word) < SHORTEST}, key=lambda word: (-len(word), word)))


def hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=2, memory_cost=_memory(), parallelism=1)


def _memory() -> int:
    return int(current_app.config.get("ARGON2_MEMORY_KIB", MEMORY_KIB))


@cache
def _nobodys(memory_kib: int) -> str:
    return PasswordHasher(time_cost=2, memory_cost=memory_kib, parallelism=1).hash(secrets.token_urlsafe(32))


def _normal(password: str) -> str:
    """The same words typed on another keyboard are the same password."""
    return unicodedata.normalize("NFKC", password)


class _Turn:
    """A storm of sign-ins waits here and does not take every thread and all memory."""

    def __enter__(self) -> None:
        if not _turns.acquire(timeout=WAIT_S):
            raise Unavailable("Many people sign in at this moment. Try again in a few seconds.")

    def __exit__(self, *_: object) -> None:
        _turns.release()
