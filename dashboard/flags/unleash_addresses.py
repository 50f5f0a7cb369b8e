"""IP addresses and networks as conditions on texts, because flagd knows no addresses (pure)."""

from collections.abc import Iterable, Sequence
from ipaddress import AddressValueError, IPv4Network, IPv6Address, NetmaskValueError
from typing import Any

from dashboard.flags.rules import shortened
from dashboard.flags.unleash_reading import Unmapped


def condition(var: Any, ranges: Sequence[str]) -> Any:
    """Whether the attribute is one of these addresses or within one of these networks. Raises Unmapped.

    Addresses of version 4 are written in one way only: networks become the beginnings that their addresses share.
    """
    exact: dict[str, None] = {}
    beginnings: dict[str, None] = {}
    for text in filter(None, ranges):
        if ":" in text:
            exact[_version_6(text)] = None
            continue
        try:
            network = IPv4Network(text, strict=False)
        except (AddressValueError, NetmaskValueError, ValueError):
            continue  # Unleash passes over what is no address
        if not network.prefixlen:
            raise Unmapped(f"flagd knows no networks: “{shortened(text)}” would be every text.")
        whole, rest = divmod(network.prefixlen, 8)
        pieces = network.subnets(new_prefix=8 * (whole + (rest > 0)))
        (exact if network.prefixlen > 24 else beginnings).update(dict.fromkeys(_written(pieces)))
    parts = [{"in": [var, list(exact)]}] if exact else []
    parts += [{"starts_with": [var, beginning]} for beginning in beginnings]
    return {"or": parts} if len(parts) > 1 else parts[0] if parts else False


def _written(networks: Iterable[IPv4Network]) -> Iterable[str]:
    for network in networks:
        octets = str(network.network_address).split(".")[: network.prefixlen // 8]
        yield ".".join(octets) + ("." if len(octets) < 4 else "")


def _version_6(text: str) -> str:
    """Those of version 6 are written in many ways: only the usual one is compared."""
    try:
        address = IPv6Address(text)
    except AddressValueError:
        raise Unmapped(f"flagd knows no networks: “{shortened(text)}” cannot be written as texts.") from None
    return str(address)
