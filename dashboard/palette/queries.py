"""What can be jumped to: pages, targets, tables and flags whose name holds the words."""

from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy import func, select

from dashboard.flags.models import Flag
from dashboard.names import encode
from dashboard.store import db
from dashboard.tables.models import TableState
from dashboard.targets.models import Environment, Target

EACH = 8
PAGES = (
    ("Overview", "layout-dashboard", "/"),
    ("Flags", "flag", "/flags"),
    ("Configuration", "adjustments", "/configuration"),
    ("Approvals", "circle-check", "/approvals"),
    ("Changes", "timeline", "/changes"),
    ("Alerts", "bell", "/alerts"),
    ("Audit", "clipboard-list", "/audit"),
    ("People", "users", "/settings/people"),
    ("Roles per environment", "stack-2", "/settings/people/roles"),
    ("API keys", "key", "/settings/keys"),
    ("Targets", "server", "/settings/targets"),
    ("Environments", "stack-2", "/settings/environments"),
    ("Sessions", "devices", "/settings/sessions"),
    ("Style guide", "adjustments", "/styleguide"),
)
TARGET_PAGES = (
    ("Summary", "gauge", ""),
    ("Schema", "sitemap", "schema"),
    ("Tables", "table", "tables"),
    ("Indexes", "list-search", "indexes"),
    ("Queries", "clock-bolt", "queries"),
    ("Activity", "activity", "activity"),
    ("Migrations", "git-merge", "migrations"),
)


@dataclass(frozen=True)
class Hit:
    kind: str
    label: str
    detail: str
    icon: str
    href: str


def hits(words: str, slug: str) -> list[Hit]:
    """Pages first (of the target that is open, then of all), then targets, tables, flags."""
    found = [*_pages(words, slug), *_targets(words)]
    if words:
        found += [*_tables(words), *_flags(words)]
    return found


def _pages(words: str, slug: str) -> list[Hit]:
    here = [Hit("Page", name, slug, icon, f"/t/{quote(slug)}/{path}") for name, icon, path in TARGET_PAGES if slug]
    pages = [*here, *(Hit("Page", name, "", icon, path) for name, icon, path in PAGES)]
    wanted = words.casefold()
    found = [hit for hit in pages if wanted in hit.label.casefold()]
    return sorted(found, key=lambda hit: not hit.label.casefold().startswith(wanted))


def _targets(words: str) -> list[Hit]:
    matching = (
        select(Target.slug, Target.name, Environment.name.label("environment"))
        .join(Environment, Target.environment_id == Environment.id)
        .where(Target.slug.icontains(words, autoescape=True) | Target.name.icontains(words, autoescape=True))
        .order_by(Environment.position, Target.slug)
        .limit(EACH)
    )
    return [
        Hit("Target", row.name, row.environment, "database", f"/t/{quote(row.slug)}/")
        for row in db.session.execute(matching)
    ]


def _tables(words: str) -> list[Hit]:
    matching = (
        select(Target.slug, TableState.schema, TableState.name)
        .join(Target, TableState.target_id == Target.id)
        .where(TableState.name.icontains(words, autoescape=True))
        .order_by(func.length(TableState.name), TableState.name, Target.slug)
        .limit(EACH)
    )
    return [
        Hit("Table", f"{schema}.{name}", slug, "table", f"/t/{quote(slug)}/tables/{quote(encode(schema, name))}")
        for slug, schema, name in db.session.execute(matching)
    ]


def _flags(words: str) -> list[Hit]:
    matching = (
        select(Flag.key, Flag.description)
        .where(Flag.key.icontains(words, autoescape=True))
        .order_by(func.length(Flag.key), Flag.key)
        .limit(EACH)
    )
    return [Hit("Flag", row.key, row.description, "flag", f"/flags/{row.key}") for row in db.session.execute(matching)]
