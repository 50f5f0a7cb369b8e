"""Questions about targets and environments."""

from sqlalchemy import select

from dashboard.errors import NotFound
from dashboard.store import db
from dashboard.targets.models import Environment, ProbeState, Target


def target_by_slug(slug: str) -> Target:
    """Raises NotFound."""
    target = db.session.scalar(select(Target).where(Target.slug == slug))
    if target is None:
        raise NotFound("There is no target of this name.")
    return target


def all_targets() -> list[Target]:
    """In the order of their environments, then by name."""
    found = select(Target).join(Target.environment).order_by(Environment.position, Target.name, Target.id)
    return list(db.session.scalars(found))


def all_environments() -> list[Environment]:
    return list(db.session.scalars(select(Environment).order_by(Environment.position, Environment.name)))


def environment_by_slug(slug: str) -> Environment:
    """Raises NotFound."""
    environment = db.session.scalar(select(Environment).where(Environment.slug == slug))
    if environment is None:
        raise NotFound("There is no environment of this name.")
    return environment


def probe_state(target_id: int, probe: str) -> ProbeState | None:
    return db.session.get(ProbeState, (target_id, probe))


def probe_states(target_id: int) -> list[ProbeState]:
    found = select(ProbeState).where(ProbeState.target_id == target_id).order_by(ProbeState.probe)
    return list(db.session.scalars(found))
