"""Nothing forgotten: children whom earlier enquiries have to be matched with, and which of them were."""

from alembic import op
import sqlalchemy as sa

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('child_changed',
    sa.Column('child_id', sa.Uuid(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['child_id'], ['child.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('child_id')
    )
    op.create_table('matched_again',
    sa.Column('enquiry_id', sa.Uuid(), nullable=False),
    sa.Column('child_id', sa.Uuid(), nullable=False),
    sa.Column('band', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('enquiry_id', 'child_id')
    )
    # Tokens of version 2; the index is made anew in the background (register.loading, enquiries.reindexing).
    op.add_column('enquiry_token', sa.Column('version', sa.SmallInteger(), nullable=False, server_default='1'))
    op.alter_column('enquiry_token', 'version', server_default=sa.text('2'))
    op.create_index('enquiry_token_outdated', 'enquiry_token', ['enquiry_id'], unique=False,
                    postgresql_where=sa.text('version < 2'))
    op.create_index('child_outdated', 'child', ['id'], unique=False, postgresql_where=sa.text('token_version < 2'))
    # What stands on the register already was there when those who asked were answered, or came after them: once, all of
    # it is matched with what found nobody.
    op.execute("INSERT INTO child_changed (child_id, changed_at) SELECT id, now() FROM child")


def downgrade() -> None:
    op.drop_index('child_outdated', table_name='child', postgresql_where=sa.text('token_version < 2'))
    op.drop_index('enquiry_token_outdated', table_name='enquiry_token', postgresql_where=sa.text('version < 2'))
    op.drop_column('enquiry_token', 'version')
    op.drop_table('matched_again')
    op.drop_table('child_changed')
