"""Which addresses a target may have: what is written as one is checked at once, everything again after resolution."""

import re
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from threading import Thread

from dashboard.settings import Network

Address = IPv4Address | IPv6Address

NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*\.?\Z")
LAST_LABEL_IS_A_NUMBER = re.compile(r"(\A|\.)(\d+|0[xX][0-9a-fA-F]*)\.?\Z")
TRANSLATED = IPv6Network("64:ff9b::/96")
RESOLVE_S = 3.0


class ForbiddenAddress(ValueError):  # noqa: N818 - reads as what happened
    """The address may not be a target; says so in one sentence."""


class UnknownHost(ValueError):  # noqa: N818
    """The name did not resolve in time."""


def host_problem(host: str, socket_dir: str | None) -> str | None:
    """What is wrong with the host as written: only one name, one address, or the built-in server's own socket."""
    if host.startswith("/"):
        return None if socket_dir and host == socket_dir else "A socket path is only possible for the built-in server."
    if parsed(host) is not None:
        return None
    if not NAME.match(host) or LAST_LABEL_IS_A_NUMBER.search(host):
        return "The host is one name or one IP address."
    return None


def parsed(host: str) -> Address | None:
    """The address when the host is written as one; scoped ones (fe80::1%eth0) do not count."""
    try:
        return ip_address(host) if "%" not in host else None
    except ValueError:
        return None


def unmapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one carries inside (::ffff:a.b.c.d and 64:ff9b::a.b.c.d), else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address


def address_problem(address: Address, networks: Sequence[Network]) -> str | None:
    """None when the address may be connected to."""
    plain = unmapped(address)
    if plain.is_link_local or plain.is_multicast or plain.is_unspecified:
        return "Link-local, multicast and unspecified addresses are refused, whatever PILOTHOUSE_TARGET_NETWORKS says."
    if not any(plain in network for network in networks):
        return "The address is in none of the networks of PILOTHOUSE_TARGET_NETWORKS."
    return None


def written_problem(host: str, socket_dir: str | None, networks: Sequence[Network]) -> str | None:
    """What is wrong with the host before anybody resolves it; a name's addresses are checked when connecting."""
    address = parsed(host)
    return host_problem(host, socket_dir) if address is None else address_problem(address, networks)


def permitted(host: str, port: int, networks: Sequence[Network], socket_dir: str | None) -> list[str]:
    """The addresses to connect to, every one of them checked; empty for the built-in server's socket.

    Raises ForbiddenAddress or UnknownHost.
    """
    if problem := host_problem(host, socket_dir):
        raise ForbiddenAddress(problem)
    if host.startswith("/"):
        return []
    found = resolve(host, port)
    for address in found:
        if problem := address_problem(address, networks):
            raise ForbiddenAddress(problem)
    return [str(address) for address in found]


def is_local(host: str, socket_dir: str | None) -> bool:
    """Whether the connection cannot leave this machine, so that it may go without TLS."""
    address = parsed(host)
    loopback = address is not None and unmapped(address).is_loopback
    return loopback or host.lower().rstrip(".") == "localhost" or bool(socket_dir and host == socket_dir)


def resolve(host: str, port: int) -> list[Address]:
    """Every address of the host in the resolver's order; gives up after three seconds."""
    if (address := parsed(host)) is not None:
        return [address]
    answers: list[Address] = []

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        answers.extend(ip_address(str(item[4][0]).partition("%")[0]) for item in found)

    # The system's resolver cannot be interrupted: a thread of its own may outlive the wait.
    asking = Thread(target=ask, name=f"resolve {host}", daemon=True)
    asking.start()
    asking.join(RESOLVE_S)
    unique = list(dict.fromkeys(answers))
    if not unique:
        raise UnknownHost("The host's name does not resolve.")
    return unique
