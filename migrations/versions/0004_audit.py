"""The audit log is append-only: the store itself refuses to change or remove an entry."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("insert into audit_head (id, seq, hash) values (1, 0, '')")
    op.execute("""
        create function audit_refuse() returns trigger language plpgsql as $$
        begin
            raise exception 'the audit log is append-only' using errcode = 'insufficient_privilege';
        end $$
    """)
    op.execute("""
        create function audit_head_forward() returns trigger language plpgsql as $$
        begin
            if new.id <> old.id or new.seq <> old.seq + 1 then
                raise exception 'the audit log only grows' using errcode = 'insufficient_privilege';
            end if;
            return new;
        end $$
    """)
    op.execute(
        "create trigger audit_entry_kept before update or delete on audit_entry "
        "for each row execute function audit_refuse()"
    )
    op.execute(
        "create trigger audit_entry_not_emptied before truncate on audit_entry "
        "for each statement execute function audit_refuse()"
    )
    op.execute(
        "create trigger audit_head_kept before delete on audit_head for each row execute function audit_refuse()"
    )
    op.execute(
        "create trigger audit_head_not_emptied before truncate on audit_head "
        "for each statement execute function audit_refuse()"
    )
    op.execute(
        "create trigger audit_head_grows before update on audit_head for each row execute function audit_head_forward()"
    )


def downgrade() -> None:
    op.execute("drop trigger audit_head_grows on audit_head")
    op.execute("drop trigger audit_head_not_emptied on audit_head")
    op.execute("drop trigger audit_head_kept on audit_head")
    op.execute("drop trigger audit_entry_not_emptied on audit_entry")
    op.execute("drop trigger audit_entry_kept on audit_entry")
    op.execute("drop function audit_head_forward()")
    op.execute("drop function audit_refuse()")
    op.execute("delete from audit_head")
