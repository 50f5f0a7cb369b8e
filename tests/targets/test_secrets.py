"""Sealed passwords open only in their own row, for their own purpose, with the key that sealed them."""

import pytest

from dashboard.targets.secrets import Unsealable, seal, unseal

KEY, OTHER = "k" * 40, "o" * 40


def test_a_sealed_password_opens_in_its_row():
    sealed = seal("pässword", KEY, login_id=7, purpose="watch")
    assert unseal(sealed, KEY, login_id=7, purpose="watch") == "pässword"


def test_the_same_password_never_looks_the_same():
    assert seal("x", KEY, login_id=7, purpose="watch") != seal("x", KEY, login_id=7, purpose="watch")


@pytest.mark.parametrize(("login_id", "purpose", "key"), [(8, "watch", KEY), (7, "steer", KEY), (7, "watch", OTHER)])
def test_it_opens_nowhere_else(login_id, purpose, key):
    sealed = seal("x", KEY, login_id=7, purpose="watch")
    with pytest.raises(Unsealable):
        unseal(sealed, key, login_id=login_id, purpose=purpose)


@pytest.mark.parametrize("position", [0, 2, 8, 20, -1])
def test_a_damaged_one_is_refused(position):
    sealed = bytearray(seal("a password", KEY, login_id=7, purpose="watch"))
    sealed[position] ^= 1
    with pytest.raises(Unsealable):
        unseal(bytes(sealed), KEY, login_id=7, purpose="watch")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" * 10, b"plain text password"])
def test_what_was_never_sealed_is_refused(sealed):
    with pytest.raises(Unsealable):
        unseal(sealed, KEY, login_id=7, purpose="watch")
