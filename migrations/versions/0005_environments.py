"""The three environments that nearly everybody has; they can be changed and removed like any other."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        insert into environment (slug, name, color, position, is_production, version)
        values
            ('development', 'Development', 'green', 1, false, 1),
            ('staging', 'Staging', 'amber', 2, false, 1),
            ('production', 'Production', 'red', 3, true, 1)
        on conflict (slug) do nothing
        """
    )


def downgrade() -> None:
    """Environments in use stay."""
    op.execute(
        """
        delete from environment e
        where e.slug in ('development', 'staging', 'production')
            and not exists (select from target t where t.environment_id = e.id)
        """
    )
