"""What tells that two children, or two enquiries, have to do with each other: sealed, or behind masks."""

from alembic import op
import sqlalchemy as sa

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of which household a child is cannot be sealed here, where there are no keys: without a digest the next import
    # takes such a row in anew.
    op.execute("UPDATE child SET source_digest = NULL WHERE household_id IS NOT NULL")
    op.drop_index(op.f('ix_child_household_id'), table_name='child')
    op.drop_column('child', 'household_id')
    # What the index of earlier enquiries points to is a number behind a mask. Rows that stand there have none, and get
    # theirs in the background (enquiries.reindexing).
    op.create_table('enquiry_indexed',
    sa.Column('enquiry_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('version', sa.SmallInteger(), nullable=False),
    sa.Column('alone', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('enquiry_id')
    )
    op.execute("INSERT INTO enquiry_indexed (enquiry_id, number, version, alone) SELECT enquiry_id, "
               "('x' || substr(md5(gen_random_uuid()::text), 1, 16))::bit(64)::bigint, min(version), true "
               "FROM enquiry_token GROUP BY enquiry_id")
    op.create_index(op.f('ix_enquiry_indexed_number'), 'enquiry_indexed', ['number'], unique=False)
    op.create_index('enquiry_indexed_to_do', 'enquiry_indexed', ['version'], unique=False,
                    postgresql_where=sa.text('alone OR version < 3'))
    op.rename_table('enquiry_token', 'unmasked')
    op.execute('ALTER INDEX enquiry_token_pkey RENAME TO unmasked_pkey')
    op.create_table('enquiry_token',
    sa.Column('token', sa.BigInteger(), nullable=False),
    sa.Column('nonce', sa.BigInteger(), nullable=True),
    sa.Column('pointer', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('token', 'pointer')
    )
    op.execute('INSERT INTO enquiry_token (token, pointer) SELECT t.token, i.number '
               'FROM unmasked t JOIN enquiry_indexed i USING (enquiry_id) ORDER BY t.token')
    op.drop_table('unmasked')


def downgrade() -> None:
    op.rename_table('enquiry_token', 'masked')
    op.execute('ALTER INDEX enquiry_token_pkey RENAME TO masked_pkey')
    op.create_table('enquiry_token',
    sa.Column('token', sa.BigInteger(), nullable=False),
    sa.Column('enquiry_id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.SmallInteger(), nullable=False, server_default=sa.text('3')),
    sa.PrimaryKeyConstraint('token', 'enquiry_id')
    )
    op.execute('INSERT INTO enquiry_token (token, enquiry_id, version) SELECT t.token, i.enquiry_id, i.version '
               'FROM masked t JOIN enquiry_indexed i ON i.number = t.pointer WHERE t.nonce IS NULL')
    # An enquiry whose rows have masks is not found again before the index has been made anew, which the earlier release
    # does once it stands under an earlier version.
    op.execute('INSERT INTO enquiry_token (token, enquiry_id, version) SELECT 0, i.enquiry_id, 1 FROM enquiry_indexed i '
               'WHERE NOT EXISTS (SELECT FROM enquiry_token t WHERE t.enquiry_id = i.enquiry_id)')
    op.create_index('enquiry_token_outdated', 'enquiry_token', ['enquiry_id'], unique=False,
                    postgresql_where=sa.text('version < 3'))
    op.drop_table('masked')
    op.drop_table('enquiry_indexed')
    op.add_column('child', sa.Column('household_id', sa.Uuid(), nullable=True))
    op.create_index(op.f('ix_child_household_id'), 'child', ['household_id'], unique=False)
