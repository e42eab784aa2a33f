"""Who looked: what entries say of whoever acted, by what they are searched for, and what was asked of the log."""

from alembic import op
import sqlalchemy as sa

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Entries that were there say nothing of it, and stay as they were put into the tree.
    op.add_column('access_entry', sa.Column('particulars', sa.Text(), nullable=True))
    op.create_index('access_entry_children', 'access_entry', ['child_ids'], unique=False, postgresql_using='gin')
    op.create_index('access_entry_organisation', 'access_entry', ['organisation_id', 'id'], unique=False)
    op.create_index('access_entry_professional', 'access_entry', ['professional_id', 'id'], unique=False)
    op.create_table('log_search',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('access_entry_id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('professional_id', sa.Uuid(), nullable=False),
    sa.Column('up_to', sa.BigInteger(), nullable=False),
    sa.Column('data_key', sa.LargeBinary(), nullable=False),
    sa.Column('sealed_criteria', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('access_entry_id')
    )
    # Revision 0001 made the function.
    op.execute(
        "CREATE TRIGGER only_add BEFORE UPDATE OR DELETE OR TRUNCATE ON log_search "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute("ALTER TABLE log_search ENABLE ALWAYS TRIGGER only_add")


def downgrade() -> None:
    op.drop_table('log_search')
    op.drop_index('access_entry_professional', table_name='access_entry')
    op.drop_index('access_entry_organisation', table_name='access_entry')
    op.drop_index('access_entry_children', table_name='access_entry', postgresql_using='gin')
    op.drop_column('access_entry', 'particulars')
