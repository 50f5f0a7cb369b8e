"""Passwords of targets at rest: AES-GCM, bound to their row and purpose, with the id of the key that sealed them."""

import os
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FORMAT = b"\x01"
KEY_ID_BYTES, NONCE_BYTES = 4, 12


class Unsealable(ValueError):  # noqa: N818 - reads as what happened
    """Sealed with another key, for another row, or damaged."""


def seal(password: str, secret_key: str, *, login_id: int, purpose: str) -> bytes:
    key, nonce = _key(secret_key), os.urandom(NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, password.encode(), _binding(login_id, purpose))
    return FORMAT + _key_id(key) + nonce + sealed


def unseal(sealed: bytes, secret_key: str, *, login_id: int, purpose: str) -> str:
    """The password. Raises Unsealable."""
    key = _key(secret_key)
    head = len(FORMAT) + KEY_ID_BYTES
    if sealed[:head] != FORMAT + _key_id(key):
        raise Unsealable("sealed with another SECRET_KEY")
    nonce, rest = sealed[head : head + NONCE_BYTES], sealed[head + NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, rest, _binding(login_id, purpose)).decode()
    except InvalidTag:
        raise Unsealable("sealed for another row, or damaged") from None


def _binding(login_id: int, purpose: str) -> bytes:
    return f"target_login:{login_id}:{purpose}".encode()


def _key(secret_key: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"pilothouse target passwords").derive(secret_key.encode())


def _key_id(key: bytes) -> bytes:
    return sha256(b"key id" + key).digest()[:KEY_ID_BYTES]
