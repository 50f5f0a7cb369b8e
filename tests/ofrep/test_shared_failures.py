"""A page of a browser key's origin sees every answer that says why not, and when to come back."""

import pytest

from dashboard.ofrep import answers
from dashboard.ofrep.rate import Rate
from tests.ofrep.conftest import Application, add_key

ORIGIN = "https://shop.example"
BULK, ONE = "/ofrep/v1/evaluate/flags", "/ofrep/v1/evaluate/flags/whole"


@pytest.fixture
def page(untouched):
    with untouched.app_context():
        return Application(untouched, add_key("staging", browser=True, origins=[ORIGIN]))


def is_seen(answer):
    exposed = answer.headers["Access-Control-Expose-Headers"]
    return (answer.headers["Access-Control-Allow-Origin"], exposed) == (ORIGIN, "ETag, Retry-After")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (BULK, b"{", 400),
        (ONE, b'{"context": []}', 400),
        (f"{ONE}-not", b"{}", 404),
        (BULK, b" " * 65_537, 413),
        (ONE, b" " * 65_537, 413),
    ],
)
def test_failures(page, path, body, status):
    answer = page.app.test_client().post(
        path, data=body, content_type="application/json", headers={"X-API-Key": page.key, "Origin": ORIGIN}
    )
    assert (answer.status_code, is_seen(answer)) == (status, True)


def test_too_many_and_unchanged(page, untouched, monkeypatch):
    etag = page.bulk(headers={"Origin": ORIGIN}).headers["ETag"]
    assert is_seen(unchanged := page.bulk(headers={"Origin": ORIGIN, "If-None-Match": etag}))
    monkeypatch.setattr(answers.of(untouched), "rate", Rate(1))
    told = [page.flag("whole", headers={"Origin": ORIGIN}), page.bulk(headers={"Origin": ORIGIN})]
    assert [unchanged.status_code, *(answer.status_code for answer in told)] == [304, 200, 429]
    assert is_seen(told[1])
