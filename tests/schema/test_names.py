"""Each relation has exactly one address, and each address at most one relation."""

import random

import pytest

from dashboard.errors import NotFound
from dashboard.names import decode, encode

CHARACTERS = "ab.~/2EF7 %?#&\"'<>\\\n\t\x01é数🐘\u202e"


def test_dots_slashes_and_tildes_inside_a_name_are_written_as_the_contract_says() -> None:
    assert encode("app", "v1.orders/x~y") == "app.v1~2Eorders~2Fx~7Ey"


@pytest.mark.parametrize("seed", range(200))
def test_every_name_comes_back_from_its_address(seed: int) -> None:
    chosen = random.Random(seed)  # noqa: S311
    schema, name = ("".join(chosen.choices(CHARACTERS, k=chosen.randint(1, 63))) for _ in range(2))
    address = encode(schema, name)
    assert address.count(".") == 1
    assert "/" not in address
    assert decode(address) == (schema, name)


@pytest.mark.parametrize(
    "address",
    ["", ".", "orders", "a.", ".b", "a.b.c", "a.b/c", "a.b~", "a.b~2e", "a.b~2", "a.~41", "a.b\x00", "~.x", "a.b~~2E"],
)
def test_what_encode_never_makes_is_not_found(address: str) -> None:
    with pytest.raises(NotFound):
        decode(address)
