"""Where a target may be: whatever the spelling, the resolved address decides."""

from ipaddress import ip_address, ip_network

import pytest

from dashboard.targets import addresses
from dashboard.targets.addresses import ForbiddenAddress, address_problem, host_problem, is_local, permitted

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
EVERYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
SOCKET = "/var/lib/pilothouse/socket"


@pytest.mark.parametrize(
    "host",
    [
        "a,b", "127.0.0.1,10.0.0.1", "/run", "/var/run/postgresql", f"{SOCKET}/", f"{SOCKET}/..", "@abstract",
        "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "", " ", "a b", "a/b", "-x", "x..y", "fe80::1%eth0", "host=x",
        "a\nb", "user@host", "host:5432", "[::1]", "ä" * 300,
    ],
)  # fmt: skip
def test_what_is_no_plain_name_or_address_is_refused(host):
    assert host_problem(host, SOCKET)


@pytest.mark.parametrize("host", ["db", "db.example.org", "db-1.internal.", "10.0.0.7", "::1", "fd00::5", SOCKET])
def test_names_addresses_and_our_own_socket_are_taken(host):
    assert host_problem(host, SOCKET) is None


def test_no_socket_is_taken_without_a_built_in_server():
    assert host_problem(SOCKET, None)


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "224.0.0.1", "ff02::1",
     "0.0.0.0", "::",  # noqa: S104
     "::ffff:0.0.0.0"],
)  # fmt: skip
def test_link_local_multicast_and_unspecified_are_refused_in_any_network(address):
    assert address_problem(ip_address(address), EVERYWHERE)


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.1", "100.64.0.1", "8.8.8.8", "fd00::1", "::ffff:10.0.0.1"])
def test_only_listed_networks_are_reached(address):
    assert address_problem(ip_address(address), LOOPBACK)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_reached_by_default(address):
    assert address_problem(ip_address(address), LOOPBACK) is None


def test_every_resolved_address_is_checked(monkeypatch):
    answers = [(2, 1, 6, "", ("127.0.0.1", 5432)), (2, 1, 6, "", ("169.254.169.254", 5432))]
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_args, **_kwargs: answers)
    with pytest.raises(ForbiddenAddress):
        permitted("rebinding.example", 5432, LOOPBACK, None)


def test_only_this_machine_goes_without_tls():
    assert [host for host in ("127.0.0.1", "::1", "localhost", SOCKET) if not is_local(host, SOCKET)] == []
    assert [host for host in ("10.0.0.1", "db", "localhost.example.org", "/run") if is_local(host, SOCKET)] == []
