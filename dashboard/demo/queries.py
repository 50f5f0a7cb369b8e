"""Whether the demo is there."""

from sqlalchemy import select

from dashboard.store import db
from dashboard.targets.models import Target


def demo_target() -> Target | None:
    return db.session.scalar(select(Target).where(Target.origin == "demo").order_by(Target.id).limit(1))


def is_installed() -> bool:
    return demo_target() is not None
