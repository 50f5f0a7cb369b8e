"""The last contexts that applications sent, where an environment keeps them."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base


class RecentContext(Base):
    """At most an hour old and few; unlogged, so no standby and no archive of the write-ahead log has it."""

    __tablename__ = "recent_context"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012 - SQLAlchemy's own convention

    environment_id: Mapped[int] = mapped_column(ForeignKey("environment.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    context: Mapped[str]
    seen_at: Mapped[datetime]
