"""Put the demo up and take it away: database, target, flags and the load's key, whole or not at all in the store."""

import os
from pathlib import Path

from flask import current_app
from sqlalchemy import delete, select

from dashboard.changes.record import record
from dashboard.demo import shop
from dashboard.demo.queries import demo_target
from dashboard.embedded import Server
from dashboard.errors import NotFound
from dashboard.flags.edits import Shared, create_flag, set_in_environment
from dashboard.flags.ledger import announce
from dashboard.flags.models import Flag, FlagSetting
from dashboard.flags.rules import Definition
from dashboard.security.audit import record as audit
from dashboard.security.authors import current_author
from dashboard.security.key_edits import create_key, free_name, revoke_key
from dashboard.security.models import ApiKey
from dashboard.security.sessions import hash_of
from dashboard.store import db
from dashboard.targets.models import Environment, Target, TargetLogin
from dashboard.targets.secrets import seal

SLUG, ENVIRONMENT, KEY_NAME, TAG = "shop", "development", "demo-load", "demo"
FLAGS = {
    "checkout-fast-search": (
        "boolean",
        Shared("Search products by their text index instead of by pattern", "release", "catalogue team", (TAG,)),
        Definition(enabled=False, variants={"on": True, "off": False}, default_variant="on"),
    ),
    "recommendations": (
        "string",
        Shared("What stands below a product; heavy joins all orders", "experiment", "growth team", (TAG,)),
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
    environment = db.session.scalars(select(Environment).where(Environment.slug == ENVIRONMENT)).one_or_none()
    if environment is None:
        environment = Environment(slug=ENVIRONMENT, name="Development", color="green", position=1)
        db.session.add(environment)
        db.session.flush()
    if demo_target() is None:
        _register(server, environment)
    for key, (type_, shared, definition) in FLAGS.items():
        if db.session.scalar(select(Flag.id).where(Flag.key == key)) is None:
            set_in_environment(create_flag(key, type_, shared), environment, definition, version=0)
    words = _missing_key(shop.key_file(server))
    db.session.commit()
    if words:
        _write(shop.key_file(server), words)


def remove(server: Server) -> None:
    """Target, flags and key go in one transaction, then the database. Raises NotFound when there is no demo."""
    target = demo_target()
    if target is None:
        raise NotFound("There is no demo to remove.")
    flags = db.session.scalars(select(Flag).where(Flag.key.in_(FLAGS), Flag.tags.contains([TAG]))).all()
    settings = select(FlagSetting.environment_id).where(FlagSetting.flag_id.in_([flag.id for flag in flags]))
    announce(set(db.session.scalars(settings)))
    before = {"target": target.slug, "flags": [flag.key for flag in flags], "database": shop.DATABASE}
    db.session.execute(delete(Flag).where(Flag.id.in_([flag.id for flag in flags])))
    db.session.execute(delete(Target).where(Target.id == target.id))
    key = _key_of(shop.key_file(server))
    if key is not None:
        revoke_key(key.id)
    record("target", "Demo shop removed", subject=SLUG, environment_id=target.environment_id, author=current_author())
    audit("demo.remove", f"target:{SLUG}", before=before)
    db.session.commit()
    shop.key_file(server).unlink(missing_ok=True)
    shop.drop(server)


def _register(server: Server, environment: Environment) -> None:
    slug = SLUG if db.session.scalar(select(Target.id).where(Target.slug == SLUG)) is None else "demo-shop"
    target = Target(
        slug=slug,
        name="Demo shop",
        environment=environment,
        host=str(server.socket_dir),
        port=5432,
        dbname=shop.DATABASE,
        sslmode="disable",
        migrations_dir=str(shop.REVISIONS),
        origin="demo",
        created_by=current_author(),
    )
    login = TargetLogin(purpose="watch", username=shop.WATCHER)
    target.logins.append(login)
    db.session.add(target)
    db.session.flush()
    secret_key = current_app.config["SECRET_KEY"]
    login.sealed_password = seal(server.password(shop.WATCHER), secret_key, login_id=login.id, purpose="watch")
    record("target", "Demo shop added", subject=slug, environment_id=environment.id, author=current_author())
    audit("demo.install", f"target:{slug}", after={"database": shop.DATABASE, "environment": environment.slug})


def _missing_key(file: Path) -> str | None:
    """A new key for the load, unless the one in the file is good."""
    if _key_of(file) is not None:
        return None
    return create_key(name=free_name(KEY_NAME), kind="flags", environment=ENVIRONMENT)[1]


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
