"""The gate in the database: what an enquiry's entry lets it look for, and the looks that were taken."""

from alembic import op
import sqlalchemy as sa

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('access_entry', sa.Column('sought', sa.LargeBinary(), nullable=True))
    op.create_table('register_opened',
    sa.Column('access_entry_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('enquiry_id', sa.Uuid(), nullable=False),
    sa.Column('child_ids', sa.ARRAY(sa.Uuid()), nullable=False),
    sa.Column('homes', sa.ARRAY(sa.BigInteger()), nullable=False),
    sa.PrimaryKeyConstraint('access_entry_id')
    )
    # Revision 0001 made the function.
    op.execute(
        "CREATE TRIGGER only_add BEFORE UPDATE OR DELETE OR TRUNCATE ON register_opened "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute("ALTER TABLE register_opened ENABLE ALWAYS TRIGGER only_add")
    # Roles, ownership, functions and grants: registry_api.privileges, which env.py carries out after the last revision.


def downgrade() -> None:
    # What belongs to the roles stays theirs, and so do the roles: other databases of the cluster may use them.
    for function in ('open_register', 'read_standing', 'read_told_children'):
        op.execute(f"DROP FUNCTION IF EXISTS {function}")
    op.execute("ALTER FUNCTION queue_for_the_tree() SECURITY INVOKER RESET search_path")
    for table, policies in {'access_entry': ('seen', 'of_requests', 'of_searches', 'of_the_log', 'of_erasing', 'erased'),
                            'log_secret': ('kept', 'made', 'shredded', 'of_enquiries')}.items():
        for policy in policies:
            op.execute(f"DROP POLICY IF EXISTS {policy} ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.drop_table('register_opened')
    op.drop_column('access_entry', 'sought')
