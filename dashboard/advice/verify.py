"""Tries proposals with HypoPG, where the server has it and its owner opted into EXPLAIN: before and after, by plan."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from dashboard.advice.edits import Told
from dashboard.advice.trials import MOST_FAMILIES, Trial, judged
from dashboard.plans.ask import Asking, Refused, asking
from dashboard.plans.forms import Wish
from dashboard.targets.connect import TargetRefused, TargetUnreachable
from dashboard.targets.models import Target
from dashboard.targets.probes import quoted

log = logging.getLogger(__name__)

GENERIC = Wish("generic")
CREATE = "select indexname as name from {schema}.hypopg_create_index(%(sql)s)"
RESET = "select {schema}.hypopg_reset() as forgotten"
MOST_TRIED = 10


def verified(target: Target, told: Sequence[Told], texts: Mapping[int, str]) -> list[Told]:
    """The same proposals; those that HypoPG could try say what it found. Without it they stay estimates."""
    if not told or not any(login.purpose == "explain" for login in target.logins):
        return list(told)
    try:
        with asking(target) as asked:
            schema = asked.reader.schema_of("hypopg")
            if schema is None:
                return list(told)
            return [*(_tried(asked, schema, one, texts) for one in told[:MOST_TRIED]), *told[MOST_TRIED:]]
    except (TargetRefused, TargetUnreachable) as failure:
        log.info("target %s: advice is not verified: %s", target.slug, failure)
        return list(told)


def _tried(asked: Asking, schema: str, told: Told, texts: Mapping[int, str]) -> Told:
    """HypoPG knows b-trees, and no operators of GIN. A hypothetical index lives in our session only."""
    if told.proposal.index.method != "btree":
        return told
    trials = []
    for gain in told.proposal.gains[:MOST_FAMILIES]:
        trial = _trial(asked, schema, told, texts.get(gain.ask.family.id, ""))
        trials += [trial] if trial is not None else []
    verdict = judged(trials)
    return told if verdict is None else replace(told, verified=verdict.sentence, is_verified=verdict.is_confirmed)


def _trial(asked: Asking, schema: str, told: Told, text: str) -> Trial | None:
    """The generic plan of one family without and with the index; None where it has no plan."""
    sql = told.definition.create_sql.replace(" CONCURRENTLY", "", 1)
    try:
        before = asked.plan(text, GENERIC).document
        name = str(asked.reader.rows(CREATE.format(schema=quoted(schema)), {"sql": sql})[0]["name"])
        try:
            after = asked.plan(text, GENERIC).document
        finally:
            asked.reader.rows(RESET.format(schema=quoted(schema)))
    except Refused:
        return None
    return Trial.of(before, after, name)
