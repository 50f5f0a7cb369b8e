"""Put the demo up and take it away: database, target, flags and the load's key, whole or not at all in the store."""

import os
from pathlib import Path

from sqlalchemy import any_, delete, exists, select

from dashboard.demo import shop
from dashboard.demo.queries import demo_target
from dashboard.embedded import Server
from dashboard.errors import NotFound, Unavailable
from dashboard.flags import serving
from dashboard.flags.edits import create_flag, set_in_environment
from dashboard.flags.ledger import announce
from dashboard.flags.models import Flag, FlagSetting
from dashboard.flags.rules import Definition
from dashboard.flags.shared import Shared
from dashboard.security.audit import record as audit
from dashboard.security.key_edits import create_key, free_name, revoke_key
from dashboard.security.models import ApiKey
from dashboard.security.sessions import hash_of
from dashboard.store import db
from dashboard.targets.edits import add_target, remove_target
from dashboard.targets.models import Environment, Target
from dashboard.targets.queries import all_environments

SLUGS = ("shop", "demo-shop", "demo-shop-2")
ENVIRONMENT, KEY_NAME, TAG = "development", "demo-load", "demo"
FLAGS = {
    "checkout-fast-search": (
        "boolean",
        Shared("Search products by their text index instead of by pattern", "release", "catalogue team", (TAG,), 40),
        Definition(enabled=False, variants={"on": True, "off": False}, default_variant="on"),
    ),
    "recommendations": (
        "string",
        Shared("What stands below a product; heavy joins all orders", "experiment", "growth team", (TAG,), 40),
        Definition(
            enabled=True,
            variants={"off": "off", "simple": "simple", "heavy": "heavy"},
            default_variant="simple",
        ),
    ),
    "load-level": (
        "integer",
        Shared("How many people visit the shop in a second", "operational", "platform team", (TAG,)),
        Definition(enabled=True, variants={"calm": 1, "usual": 3, "busy": 8}, default_variant="usual"),
    ),
}


def install(server: Server) -> None:
    """Make what is missing of the demo and commit; a second call changes nothing."""
    shop.ensure(server)
    target = demo_target() or _register(server)
    for key, (type_, shared, definition) in FLAGS.items():
        if db.session.scalar(select(Flag.id).where(Flag.key == key)) is None:
            set_in_environment(create_flag(key, type_, shared), target.environment, definition, version=0)
    words = _missing_key(shop.key_file(server), target.environment)
    db.session.commit()
    if words:
        _write(shop.key_file(server), words)


def remove(server: Server) -> None:
    """Target, flags and key go in one transaction, then the database. Raises NotFound when there is no demo."""
    target = demo_target()
    if target is None:
        raise NotFound("There is no demo to remove.")
    flags = db.session.scalars(select(Flag).where(Flag.key.in_(FLAGS), any_(Flag.tags) == TAG)).all()
    ids = [flag.id for flag in flags]
    used = select(Environment).where(
        exists().where(FlagSetting.environment_id == Environment.id, FlagSetting.flag_id.in_(ids))
    )
    places = db.session.scalars(used).all()
    serving.hold(*places)
    announce([place.id for place in places])
    db.session.execute(delete(Flag).where(Flag.id.in_(ids)))
    for place in places:
        serving.refresh(place, whole=True)
    key = _key_of(shop.key_file(server))
    if key is not None:
        revoke_key(key.id)
    before = {"database": shop.DATABASE, "flags": sorted(flag.key for flag in flags), "key": key.name if key else None}
    audit("demo.remove", f"target:{target.slug}", before=before)
    remove_target(target)
    db.session.commit()
    shop.key_file(server).unlink(missing_ok=True)
    shop.drop(server)


def _register(server: Server) -> Target:
    slugs = set(db.session.scalars(select(Target.slug).where(Target.slug.in_(SLUGS))))
    values = {
        "slug": next(slug for slug in SLUGS if slug not in slugs),
        "name": "Demo shop",
        "environment": _environment().slug,
        "host": str(server.socket_dir),
        "dbname": shop.DATABASE,
        "user": shop.WATCHER,
        "password": server.password(shop.WATCHER),
        "explain_user": shop.EXPLAINER,
        "explain_password": server.password(shop.EXPLAINER),
        "steer_user": shop.STEERER,
        "steer_password": server.password(shop.STEERER),
        "migrations": str(shop.REVISIONS),
    }
    return add_target(values, origin="demo")


def _environment() -> Environment:
    """Development where there is one, for a toggle is one click there; else the first that is not production."""
    found = all_environments()
    wanted = (one for one in (*(one for one in found if one.slug == ENVIRONMENT), *found) if not one.is_production)
    environment = next(wanted, None)
    if environment is None:
        raise Unavailable("The demo needs an environment that is not production: add one first.")
    return environment


def _missing_key(file: Path, environment: Environment) -> str | None:
    """A new key for the load, unless the one in the file is good."""
    if _key_of(file) is not None:
        return None
    return create_key(name=free_name(KEY_NAME), kind="flags", environment=environment.slug)[1]


def _key_of(file: Path) -> ApiKey | None:
    if not file.exists():
        return None
    words = file.read_text(encoding="utf-8").strip()
    return db.session.scalar(select(ApiKey).where(ApiKey.key_hash == hash_of(words), ApiKey.revoked_at.is_(None)))


def _write(file: Path, words: str) -> None:
    """Readable by us only from its first byte on."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(words)
