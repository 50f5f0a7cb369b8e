"""Whatever is typed into an address is refused with a sentence of ours, as page, fragment and JSON, on every route."""

import re
from collections.abc import Iterator

import pytest
from werkzeug.routing import Rule

PLACES = {
    "slug": "shop", "address": "public.touch", "family_id": "1", "revision": "a1", "key": "words",
    "environment": "hostile", "alert_id": "1", "change_id": "1", "channel_id": "1", "finding_id": "1", "plan_id": "1",
    "pid": "1", "born": "1", "name": "work_mem", "form": "json", "uuid": "6f1c2a34-0000-4000-8000-000000000000",
}  # fmt: skip
BAD = (
    "-1", "0", "99999999999999999999999999", "1e9", "none", "%00", "a%00b", "%ff", "%f0%28%8c%28", "..%2f..%2fetc",
    "%2e%2e", "~", "a.b~", "a.b.c", ".", "%20", "'", "%27%20or%201=1--", "%3Cscript%3Ealert(1)%3C/script%3E",
    "x" * 5_000, "%25s", "%7B%7B7*7%7D%7D", "public.%00", "public.%ff",
    "public." + "y" * 5_000, "%E2%80%AE", "%0d%0aset-cookie:a=b",
)  # fmt: skip
BAD_QUESTIONS = (
    "sort=nothing", "sort=id;drop", "sort=__class__", "sort=%00", "sort=%ff", "dir=up", "dir=%00", "page=0", "page=-1",
    "page=99999999999999999999", "page=1.5", "page=x", "page=%D9%A3", "page=%00", "window=1y", "window=0m",
    "window=91d", "window=-1h", "window=99999999999h", "window=%00", "window=" + "9" * 5_000, "format=xml",
    "format=%00", "q=%00", "q=" + "x" * 5_000, "q=%ff", "q=%25%5C_", "state=none", "kind=%00", "schema=%00",
    "schema=" + "x" * 5_000, "type=x",
    "archived=2", "environment=%00", "owner=%00", "tag=%00", "target=%00", "focus=%00", "focus=public.%ff", "focus=x",
    "focus=" + "x." * 2_500, "hops=3", "hops=%00", "columns=every", "enabled=maybe", "t=%00", "t=" + "x" * 5_000,
    "level=none", "partitions=no", "changed=%00", "from=yesterday", "from=2026-01-01&to=%00", "rule=none",
    "verdict=none", "a=x&b=1", "base=never", "base_from=x", "view=round", "minute=%00", "at=%00", "next=%00",
    "next=//evil.example", "sort=name&sort=%00",
    "=", "&&&", "%00=%00",
)  # fmt: skip
NOT_OURS = {"static"}
EVERY = 15
ENDS_BY_ITSELF = {"activity.session.show"}
HOSTILE = re.compile("in/<slug>|environments|alerts/rules|flags/segments|flags/bucketing")
LEAKS = re.compile(
    r"Traceback|psycopg|sqlalchemy|File \"/|SELECT .* FROM|\bORA-|sqlstate|DETAIL:|LINE 1|werkzeug|jinja2",
    re.IGNORECASE,
)
JSON = {"Accept": "application/json"}


def rules(hostile) -> list[Rule]:
    found = [rule for rule in hostile.app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    return [rule for rule in found if rule.endpoint not in NOT_OURS]


def filled(rule: Rule, **bad: str) -> str:
    """The rule as an address, by hand: url_for would quote what a person would not."""
    values = PLACES | ({"slug": "hostile"} if HOSTILE.search(rule.rule) else {}) | bad
    return re.sub(r"<(?:[^<>:]*:)?(\w+)>", lambda match: values[match[1]], rule.rule)


def bad_addresses(hostile) -> Iterator[str]:
    """A session that nobody has is one that has ended: a page of its own.

    Every parameter hears half of the bad words, its neighbour the other half: they share their converters.
    """
    turn = 0
    for rule in rules(hostile):
        for name in sorted(rule.arguments - ({"pid", "born"} if rule.endpoint in ENDS_BY_ITSELF else set())):
            yield from (filled(rule, **{name: bad}) for bad in BAD[turn % 2 :: 2])
            turn += 1


def problems(client, url: str, allowed: set[int], *, in_every_form: bool = True) -> list[str]:
    """What is wrong with the answers to this address, as a page or in each of its forms."""
    wrong = []
    whole = client.get(url)
    if whole.status_code < 400 or not in_every_form:
        return [] if whole.status_code in allowed else [f"{whole.status_code} {url[:120]}"]
    part, machine = client.fragment.get(url), client.get(url, headers=JSON)
    for form, answer in (("page", whole), ("fragment", part), ("json", machine)):
        if answer.status_code not in allowed:
            wrong.append(f"{answer.status_code} {form} {url[:120]}")
        elif answer.status_code >= 400:
            wrong += [f"{form} {url[:120]} leaks {leak[0]!r}" for leak in LEAKS.finditer(answer.text)]
    if machine.status_code >= 400 and not sentence(machine):
        wrong.append(f"json without a sentence {url[:120]}")
    if whole.status_code >= 400 and "<html" not in whole.text and not whole.is_json:
        wrong.append(f"no page of ours {url[:120]}")
    if part.status_code >= 400 and "<html" in part.text:
        wrong.append(f"a whole page as a fragment {url[:120]}")
    return wrong


def sentence(answer) -> bool:
    """Ours, or OFREP's own form."""
    body = answer.json
    words = body.get("error", {}).get("message") if "error" in body else body.get("errorDetails")
    return bool(words) and words.rstrip().endswith((".", "ones."))


def test_every_rule_can_be_filled(hostile) -> None:
    assert {name for rule in rules(hostile) for name in rule.arguments} <= PLACES.keys()


def test_a_part_of_an_address_that_cannot_be_is_not_found(hostile, admin) -> None:
    addresses = list(bad_addresses(hostile))
    assert len(addresses) > 500
    allowed, found = {308, 400, 401, 404, 422}, []
    for number, url in enumerate(addresses):
        found += problems(admin, url, allowed, in_every_form=number % EVERY == 0)
    assert found == []


@pytest.mark.parametrize("question", BAD_QUESTIONS, ids=lambda text: text[:30])
def test_a_question_that_cannot_be_asked_is_refused_or_not_heard(hostile, admin, question) -> None:
    """A page without that question may ignore it; nothing else than its usual answer or a refusal comes back.

    Lists hear every question; other pages each hear another part of them, so that all pages hear many.
    """
    wrong = []
    for number, rule in enumerate(rules(hostile)):
        if rule.rule.replace("<slug>", "shop") not in LISTS and (number + BAD_QUESTIONS.index(question)) % EVERY:
            continue
        allowed = {200, 302, 303, 400, 401, 404, 422}
        wrong += problems(admin, f"{filled(rule)}?{question}", allowed)
    assert wrong == []


LISTS = (
    "/t/shop/schema", "/t/shop/tables", "/t/shop/indexes", "/t/shop/queries", "/t/shop/activity", "/t/shop/migrations",
    "/flags", "/flags/segments", "/changes", "/alerts", "/audit", "/settings/people", "/settings/keys",
    "/settings/targets", "/settings/sessions",
)  # fmt: skip


@pytest.mark.parametrize(
    "question", ["sort=nothing", "dir=up", "page=0", "page=x", "format=xml", "q=%00", "page=10001"]
)
def test_every_list_refuses_what_a_list_cannot_be_asked(hostile, admin, question) -> None:
    field = question.split("=", maxsplit=1)[0]
    for url in LISTS:
        answer = admin.get(f"{url}?{question}", headers=JSON)
        assert answer.status_code == 422, url
        assert field in answer.json["error"]["fields"], url
