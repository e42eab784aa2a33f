"""People who may pose a risk, and the addresses that were left in the index of addresses (CUS-1, ENQ-5)."""

from alembic import op
import sqlalchemy as sa

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_check_constraint('access_entry_at', 'access_entry',
                               "at >= '2000-01-01 00:00:00+00' AND at < '2200-01-01 00:00:00+00'")
    op.create_table('risk_person',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('data_key', sa.LargeBinary(), nullable=False),
    sa.Column('sealed_notification', sa.LargeBinary(), nullable=False),
    sa.Column('sealed_record', sa.LargeBinary(), nullable=False),
    sa.Column('token_version', sa.SmallInteger(), nullable=False),
    sa.Column('source_tag', sa.LargeBinary(), nullable=False),
    sa.Column('source_digest', sa.LargeBinary(), nullable=False),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('source_tag')
    )
    op.create_table('risk_token',
    sa.Column('token', sa.BigInteger(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['risk_person.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('token', 'person_id')
    )
    op.create_index(op.f('ix_risk_token_person_id'), 'risk_token', ['person_id'], unique=False)
    op.create_table('risk_told',
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('child_id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['risk_person.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['child_id'], ['child.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('person_id', 'child_id')
    )
    op.create_index(op.f('ix_risk_told_child_id'), 'risk_told', ['child_id'], unique=False)
    op.add_column('notification', sa.Column('person_ids', sa.ARRAY(sa.Uuid()), nullable=False, server_default='{}'))
    # What the index points to is a number behind a mask. Rows that stand there have none, and are made anew with them.
    op.add_column('child', sa.Column('number', sa.BigInteger(), nullable=True))
    op.execute("UPDATE child SET number = ('x' || substr(md5(gen_random_uuid()::text), 1, 16))::bit(64)::bigint")
    op.alter_column('child', 'number', nullable=False)
    op.create_unique_constraint('child_number_key', 'child', ['number'])
    for table in ('child_token', 'address_token'):
        op.rename_table(table, 'unmasked')
        op.execute(f'ALTER INDEX {table}_pkey RENAME TO unmasked_pkey')
        op.create_table(table,
        sa.Column('token', sa.BigInteger(), nullable=False),
        sa.Column('nonce', sa.BigInteger(), nullable=True),
        sa.Column('pointer', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('token', 'pointer')
        )
        op.execute(f'INSERT INTO {table} (token, pointer) '
                   'SELECT t.token, c.number FROM unmasked t JOIN child c ON c.id = t.child_id ORDER BY t.token')
        op.drop_table('unmasked')
    # Tokens of version 3; the index is made anew in the background (ADR 22).
    _outdated_before(3)


def downgrade() -> None:
    op.drop_constraint('access_entry_at', 'access_entry')
    for function in ('read_present', 'read_told_people', 'read_told'):  # registry_api.privileges made them
        op.execute(f"DROP FUNCTION IF EXISTS {function}")
    # Who stands under a mask is not found again before the index has been made anew, which the earlier release does.
    for table in ('child_token', 'address_token'):
        op.rename_table(table, 'masked')
        op.execute(f'ALTER INDEX {table}_pkey RENAME TO masked_pkey')
        op.create_table(table,
        sa.Column('token', sa.BigInteger(), nullable=False),
        sa.Column('child_id', sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint('token', 'child_id')
        )
        op.execute(f'INSERT INTO {table} (token, child_id) '
                   'SELECT t.token, c.id FROM masked t JOIN child c ON c.number = t.pointer WHERE t.nonce IS NULL')
        op.drop_table('masked')
    op.drop_constraint('child_number_key', 'child')
    op.drop_column('child', 'number')
    _outdated_before(2)
    op.drop_column('notification', 'person_ids')
    op.drop_table('risk_told')
    op.drop_table('risk_token')
    op.drop_table('risk_person')


def _outdated_before(version: int) -> None:
    op.drop_index('child_outdated', table_name='child')
    op.drop_index('enquiry_token_outdated', table_name='enquiry_token')
    op.alter_column('enquiry_token', 'version', server_default=sa.text(str(version)))
    op.create_index('enquiry_token_outdated', 'enquiry_token', ['enquiry_id'], unique=False,
                    postgresql_where=sa.text(f'version < {version}'))
    op.create_index('child_outdated', 'child', ['id'], unique=False,
                    postgresql_where=sa.text(f'token_version < {version}'))
