"""Hostile requests to a real `pilothouse web` over a raw socket: refused at once, and nobody else notices."""

import json
import socket
import time

import pytest

from dashboard.ofrep.rules import BadContext, context_of
from tests.ofrep.conftest import until
from tests.ofrep.web import Web, asked

BULK = b"/ofrep/v1/evaluate/flags"
SINGLE = BULK + b"/plain"
AT_ONCE_S = 1.0  # of a busy machine
BAD = {
    "20,000 arrays": b'{"context": {"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}}",
    "objects that never end": b'{"a":' * 13_000,
    "texts with brackets between brackets": b'["["' * 16_000,
    "nothing but brackets": b"[" * 65_000,
    "half a pair of each bracket": b"[" * 30_000 + b"{" * 30_000,
    "a number of 65,000 digits": b'{"context": {"a": ' + b"9" * 65_000 + b"}}",
    "many names": b'{"context": {' + b",".join(b'"%d": %d' % (n, n) for n in range(4_000)) + b", x}}",
    "many objects": b'{"context": {"a": [' + b'{"a":1},' * 8_000 + b"x]}}",
    "halves of surrogate pairs": b'{"context": {"a": [' + b'"\\ud800",' * 7_000 + b"1]}}",
    "NUL": b"\x00" * 1_000,
    "NUL in a text": b'{"context": {"a": "\\u0000"}}',
    "half of a surrogate pair": b'{"context": {"a": "\\ud800"}}',
    "no UTF-8": b'{"context": {"a": "\xff"}}',
    "NaN": b'{"context": {"a": NaN}}',
    "Infinity": b'{"context": {"a": -Infinity}}',
    "a context that is a text": b'{"context": "a"}',
    "a targeting key that is a list": b'{"context": {"targetingKey": ["a"]}}',
    "nothing": b"",
}


@pytest.fixture(scope="module")
def web(untouched, application, tmp_path_factory):
    web = Web(untouched, tmp_path_factory.mktemp("web"), PILOTHOUSE_WEB_PROCESSES="1")
    web.start()
    until(lambda: asked(web.port, SINGLE.decode(), application.key, b"{}")[0] == 200)
    yield web
    assert len(web.workers()) == 1
    web.stop()


@pytest.fixture
def status_of(web, application):
    """Send bytes behind a head with these lines; the status of the answer."""

    def send(body, *lines, at=BULK):
        head = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: %s\r\n" % (at, application.key.encode())
        with socket.create_connection(("127.0.0.1", web.port), timeout=10) as connection:
            connection.sendall(head + b"".join(line + b"\r\n" for line in (*lines, b"Connection: close")) + b"\r\n")
            connection.sendall(body)
            return int(connection.recv(4096).split(b" ")[1])

    return send


def sized(body):
    return b"Content-Length: %d" % len(body)


@pytest.mark.parametrize("path", [BULK, SINGLE])
@pytest.mark.parametrize("name", BAD)
def test_a_hostile_body_is_refused_at_once(status_of, name, path):
    began_s = time.monotonic()
    assert status_of(BAD[name], sized(BAD[name]), at=path) == 400
    assert time.monotonic() - began_s < AT_ONCE_S


@pytest.mark.parametrize("name", BAD)
def test_refusing_takes_milliseconds(name):
    taken_s = []
    for _ in range(3):
        began_s = time.thread_time()
        with pytest.raises(BadContext):
            context_of(BAD[name])
        taken_s.append(time.thread_time() - began_s)
    assert min(taken_s) < 0.005


def chunked(*pieces):
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


CHUNKED = b"Transfer-Encoding: chunked"
MEGABYTE = b"x" * 1_000_000


@pytest.mark.parametrize(
    ("body", "lines", "status"),
    [
        (chunked(b'{"context"', b": {}}"), [CHUNKED], 200),
        (chunked(b"[" * 20_000), [CHUNKED], 400),
        (chunked(*[MEGABYTE] * 10), [CHUNKED], 413),
        (b'{"context":{}}'.ljust(65_536), [b"Content-Length: 65536"], 200),
        (b'{"context":{}}'.ljust(65_537), [b"Content-Length: 65537"], 413),
        (b"zz\r\n{}\r\n", [CHUNKED], 400),
        (b"2\r\n{}zz", [CHUNKED], 400),
        (chunked(b"{}"), [CHUNKED, b"Content-Length: 2"], 400),
        (MEGABYTE * 10, [sized(MEGABYTE * 10)], 413),
        (b"{}", [b"Content-Length: -1"], 400),
        (b"{}", [b"Content-Length: two"], 400),
        (b"{}", [], 400),
        (b"{}", [b"Content-Length: 2", b"Content-Type: image/png"], 200),
        (b"{}", [b"Content-Length: 2", b"Content-Encoding: gzip"], 200),
        (b"{}", [b"Content-Length: 2", b"If-None-Match: " + b'"x",' * 1_000], 200),
        (b"{}", [b"Content-Length: 2", b"If-None-Match: " + b"x" * 100_000], 431),
        (b"{}", [b"Content-Length: 2", b"Authorization: Bearer \xff\xfe"], 401),
        (b"{}", [b"Content-Length: 2", b"X-Request-ID: \x01"], 400),
    ],
)
def test_odd_ways_of_sending_are_answered(status_of, body, lines, status):
    began_s = time.monotonic()
    assert status_of(body, *lines) == status
    assert time.monotonic() - began_s < AT_ONCE_S


def test_a_page_does_not_fail_at_a_broken_body_either(status_of):
    form = [CHUNKED, b"Content-Type: application/x-www-form-urlencoded"]
    assert status_of(b"zz\r\n{}\r\n", *form, at=b"/login") == 400


@pytest.mark.parametrize("path", [b"/%00", b"/%FF%FE", b"/..%2f..%2fetc", b"/" + b"a" * 3_000])
def test_odd_keys_of_flags_are_not_found(status_of, path):
    assert status_of(b"{}", b"Content-Length: 2", at=BULK + path) == 404


def test_what_is_too_large_is_refused_before_it_is_read_and_then_dropped(web, application):
    connection = web.connection()
    connection.putrequest("POST", SINGLE.decode())
    for header in (("X-API-Key", application.key), ("Content-Length", "2000000")):
        connection.putheader(*header)
    connection.endheaders()
    refused = connection.getresponse()
    assert (refused.status, json.load(refused)["key"]) == (413, "plain")
    connection.send(MEGABYTE * 2)
    connection.request("POST", SINGLE.decode(), b"{}")
    assert connection.getresponse().status == 401
    connection.close()


def test_who_stops_in_the_middle_of_a_body_disturbs_nobody(web, application):
    head = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: %s\r\nContent-Length: 500000\r\n\r\n{"
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", web.port), timeout=10) as connection:
            connection.sendall(head % (BULK, application.key.encode()))
    assert asked(web.port, BULK.decode(), application.key, b"{}")[0] == 200
