"""Who is asking: proofs, sessions, revocations, what decided, who changed the directory, telephone, alerts."""

from alembic import op
import sqlalchemy as sa

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

INSERT_ONLY = ("call_back", "directory_change")


def upgrade() -> None:
    op.create_table('alert',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('occurrence', sa.Text(), nullable=False),
    sa.Column('raised_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('professional_id', sa.Uuid(), nullable=True),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('enquiry_ids', sa.ARRAY(sa.Uuid()), nullable=False),
    sa.Column('owner_role', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.Uuid(), nullable=True),
    sa.Column('decision', sa.Text(), nullable=True),
    sa.Column('data_key', sa.LargeBinary(), nullable=True),
    sa.Column('sealed_reason', sa.LargeBinary(), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('occurrence')
    )
    op.create_index('alert_open', 'alert', ['raised_at'], unique=False, postgresql_where=sa.text('decided_at IS NULL'))
    op.create_index('alert_page', 'alert', ['raised_at', 'id'], unique=False)
    op.create_index(op.f('ix_alert_organisation_id'), 'alert', ['organisation_id'], unique=False)
    op.create_index(op.f('ix_alert_professional_id'), 'alert', ['professional_id'], unique=False)
    op.create_table('call_back',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('enquiry_id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('called_by', sa.Uuid(), nullable=False),
    sa.Column('called', sa.Text(), nullable=False),
    sa.Column('reached', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_call_back_enquiry_id'), 'call_back', ['enquiry_id'], unique=False)
    op.create_table('directory_change',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('what', sa.Text(), nullable=False),
    sa.Column('did', sa.Text(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('professional_id', sa.Uuid(), nullable=True),
    sa.Column('operator', sa.Text(), nullable=True),
    sa.Column('data_key', sa.LargeBinary(), nullable=False),
    sa.Column('sealed_why', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_directory_change_at'), 'directory_change', ['at'], unique=False)
    op.create_index(op.f('ix_directory_change_organisation_id'), 'directory_change', ['organisation_id'], unique=False)
    op.create_table('looked_over',
    sa.Column('the_one', sa.Boolean(), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_id', sa.Uuid(), nullable=False),
    sa.PrimaryKeyConstraint('the_one')
    )
    op.create_table('proof_memory',
    sa.Column('the_one', sa.Boolean(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('the_one'),
    prefixes=['UNLOGGED']
    )
    op.create_table('revoked_token',
    sa.Column('jti', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('jti')
    )
    op.create_index(op.f('ix_revoked_token_expires_at'), 'revoked_token', ['expires_at'], unique=False)
    op.create_table('sign_in_attempt',
    sa.Column('state_digest', sa.LargeBinary(), nullable=False),
    sa.Column('browser_digest', sa.LargeBinary(), nullable=False),
    sa.Column('nonce', sa.Text(), nullable=False),
    sa.Column('code_verifier', sa.Text(), nullable=False),
    sa.Column('return_to', sa.Text(), nullable=False),
    sa.Column('session_digest', sa.LargeBinary(), nullable=True),
    sa.Column('step_up', sa.Boolean(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('state_digest')
    )
    op.create_index(op.f('ix_sign_in_attempt_expires_at'), 'sign_in_attempt', ['expires_at'], unique=False)
    op.create_table('spent_proof',
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('digest'),
    prefixes=['UNLOGGED']
    )
    op.create_index(op.f('ix_spent_proof_expires_at'), 'spent_proof', ['expires_at'], unique=False)
    op.create_table('staff_session',
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.Column('professional_id', sa.Uuid(), nullable=False),
    sa.Column('issuer', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('sid', sa.Text(), nullable=True),
    sa.Column('assurance', sa.Integer(), nullable=False),
    sa.Column('authenticated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('stepped_up_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['professional_id'], ['professional.id'], ),
    sa.PrimaryKeyConstraint('digest')
    )
    op.create_index(op.f('ix_staff_session_expires_at'), 'staff_session', ['expires_at'], unique=False)
    op.create_index(op.f('ix_staff_session_issuer'), 'staff_session', ['issuer'], unique=False)
    op.create_index(op.f('ix_staff_session_professional_id'), 'staff_session', ['professional_id'], unique=False)
    op.add_column('agreement', sa.Column('disclosure', sa.Text(), nullable=False, server_default='full'))
    op.add_column('enquiry', sa.Column('assurance', sa.Integer(), nullable=False, server_default='0'))
    op.add_column('enquiry', sa.Column('disclosure', sa.Text(), nullable=False, server_default='full'))
    op.add_column(
        'enquiry', sa.Column('opens_restricted', sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    op.add_column('enquiry', sa.Column('policies', sa.ARRAY(sa.Text()), nullable=False, server_default='{}'))
    op.add_column('enquiry', sa.Column('policy_bundle', sa.Text(), nullable=False, server_default=''))
    op.add_column('enquiry', sa.Column('taken_by', sa.Uuid(), nullable=True))
    op.create_index('enquiry_organisation', 'enquiry', ['organisation_id', 'received_at'], unique=False)
    op.create_index('enquiry_professional', 'enquiry', ['professional_id', 'received_at'], unique=False)
    op.drop_index('ix_enquiry_professional_id', table_name='enquiry')
    op.add_column('notification', sa.Column('alert_id', sa.Uuid(), nullable=True))
    op.add_column('professional', sa.Column('by_phone', sa.Boolean(), nullable=False, server_default=sa.text("false")))
    # Revision 0001 made the function.
    for table in INSERT_ONLY:
        op.execute(
            f"CREATE TRIGGER only_add BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER only_add")


def downgrade() -> None:
    for table in INSERT_ONLY:
        op.execute(f"DROP TRIGGER only_add ON {table}")
    op.drop_column('professional', 'by_phone')
    op.drop_column('notification', 'alert_id')
    op.create_index('ix_enquiry_professional_id', 'enquiry', ['professional_id'], unique=False)
    op.drop_index('enquiry_professional', table_name='enquiry')
    op.drop_index('enquiry_organisation', table_name='enquiry')
    op.drop_column('enquiry', 'taken_by')
    op.drop_column('enquiry', 'policy_bundle')
    op.drop_column('enquiry', 'policies')
    op.drop_column('enquiry', 'opens_restricted')
    op.drop_column('enquiry', 'disclosure')
    op.drop_column('enquiry', 'assurance')
    op.drop_column('agreement', 'disclosure')
    op.drop_index(op.f('ix_staff_session_professional_id'), table_name='staff_session')
    op.drop_index(op.f('ix_staff_session_issuer'), table_name='staff_session')
    op.drop_index(op.f('ix_staff_session_expires_at'), table_name='staff_session')
    op.drop_table('staff_session')
    op.drop_index(op.f('ix_spent_proof_expires_at'), table_name='spent_proof')
    op.drop_table('spent_proof')
    op.drop_index(op.f('ix_sign_in_attempt_expires_at'), table_name='sign_in_attempt')
    op.drop_table('sign_in_attempt')
    op.drop_index(op.f('ix_revoked_token_expires_at'), table_name='revoked_token')
    op.drop_table('revoked_token')
    op.drop_table('proof_memory')
    op.drop_table('looked_over')
    op.drop_index(op.f('ix_directory_change_organisation_id'), table_name='directory_change')
    op.drop_index(op.f('ix_directory_change_at'), table_name='directory_change')
    op.drop_table('directory_change')
    op.drop_index(op.f('ix_call_back_enquiry_id'), table_name='call_back')
    op.drop_table('call_back')
    op.drop_index(op.f('ix_alert_professional_id'), table_name='alert')
    op.drop_index(op.f('ix_alert_organisation_id'), table_name='alert')
    op.drop_index('alert_page', table_name='alert')
    op.drop_index('alert_open', table_name='alert', postgresql_where=sa.text('decided_at IS NULL'))
    op.drop_table('alert')
