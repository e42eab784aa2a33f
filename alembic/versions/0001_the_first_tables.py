"""The first tables: directory, register, enquiries, routing, transfers, access log."""

from alembic import op
import sqlalchemy as sa

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None

INSERT_ONLY = ("access_entry", "enquiry", "enquiry_answer")


def upgrade() -> None:
    op.create_table('access_entry',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('client_id', sa.Text(), nullable=True),
    sa.Column('organisation_id', sa.Uuid(), nullable=True),
    sa.Column('professional_id', sa.Uuid(), nullable=True),
    sa.Column('reference', sa.Text(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('access_entry_reference', 'access_entry', ['reference'], unique=False)
    op.create_table('address_token',
    sa.Column('token', sa.BigInteger(), nullable=False),
    sa.Column('child_id', sa.Uuid(), nullable=False),
    sa.PrimaryKeyConstraint('token', 'child_id')
    )
    op.create_table('child',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('data_key', sa.LargeBinary(), nullable=False),
    sa.Column('sealed_identity', sa.LargeBinary(), nullable=False),
    sa.Column('sealed_record', sa.LargeBinary(), nullable=False),
    sa.Column('token_version', sa.SmallInteger(), nullable=False),
    sa.Column('household_id', sa.Uuid(), nullable=True),
    sa.Column('source_tag', sa.LargeBinary(), nullable=True),
    sa.Column('source_digest', sa.LargeBinary(), nullable=True),
    sa.Column('looked_after', sa.Boolean(), nullable=False),
    sa.Column('missing_since', sa.Date(), nullable=True),
    sa.Column('restricted', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('source_tag')
    )
    op.create_index(op.f('ix_child_household_id'), 'child', ['household_id'], unique=False)
    op.create_table('child_token',
    sa.Column('token', sa.BigInteger(), nullable=False),
    sa.Column('child_id', sa.Uuid(), nullable=False),
    sa.PrimaryKeyConstraint('token', 'child_id')
    )
    op.create_table('consideration',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('calendar_version', sa.Text(), nullable=False),
    sa.Column('owner_role', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.Uuid(), nullable=True),
    sa.Column('decision', sa.Text(), nullable=True),
    sa.Column('data_key', sa.LargeBinary(), nullable=True),
    sa.Column('sealed_reason', sa.LargeBinary(), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('consideration_open', 'consideration', ['due_on'], unique=False, postgresql_where=sa.text('decided_at IS NULL'))
    op.create_table('consideration_enquiry',
    sa.Column('consideration_id', sa.Uuid(), nullable=False),
    sa.Column('enquiry_id', sa.Uuid(), nullable=False),
    sa.PrimaryKeyConstraint('consideration_id', 'enquiry_id')
    )
    op.create_index(op.f('ix_consideration_enquiry_enquiry_id'), 'consideration_enquiry', ['enquiry_id'], unique=False)
    op.create_table('enquiry',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('professional_id', sa.Uuid(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('urgency', sa.Text(), nullable=False),
    sa.Column('refusal', sa.Text(), nullable=True),
    sa.Column('idempotency_key', sa.Text(), nullable=True),
    sa.Column('request_digest', sa.LargeBinary(), nullable=False),
    sa.Column('data_key', sa.LargeBinary(), nullable=False),
    sa.Column('sealed_question', sa.LargeBinary(), nullable=False),
    sa.Column('sealed_record', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('reference')
    )
    op.create_index('enquiry_idempotency_key', 'enquiry', ['client_id', 'idempotency_key'], unique=True, postgresql_where=sa.text('idempotency_key IS NOT NULL'))
    op.create_index(op.f('ix_enquiry_professional_id'), 'enquiry', ['professional_id'], unique=False)
    op.create_index(op.f('ix_enquiry_received_at'), 'enquiry', ['received_at'], unique=False)
    op.create_table('enquiry_token',
    sa.Column('token', sa.BigInteger(), nullable=False),
    sa.Column('enquiry_id', sa.Uuid(), nullable=False),
    sa.PrimaryKeyConstraint('token', 'enquiry_id')
    )
    op.create_table('installation',
    sa.Column('the_one', sa.Boolean(), nullable=False),
    sa.Column('keys_fingerprint', sa.LargeBinary(), nullable=False),
    sa.CheckConstraint('the_one'),
    sa.PrimaryKeyConstraint('the_one')
    )
    op.create_table('notification',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('urgency', sa.Text(), nullable=False),
    sa.Column('recipient_id', sa.Uuid(), nullable=True),
    sa.Column('recipient_role', sa.Text(), nullable=True),
    sa.Column('why_you', sa.Text(), nullable=False),
    sa.Column('enquiry_id', sa.Uuid(), nullable=True),
    sa.Column('transfer_id', sa.Uuid(), nullable=True),
    sa.Column('consideration_id', sa.Uuid(), nullable=True),
    sa.Column('child_ids', sa.ARRAY(sa.Uuid()), nullable=False),
    sa.Column('acknowledged_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('acknowledged_by', sa.Uuid(), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('notification_enquiry', 'notification', ['enquiry_id'], unique=False)
    op.create_index('notification_person', 'notification', ['recipient_id', 'created_at', 'id'], unique=False)
    op.create_index('notification_role', 'notification', ['recipient_role', 'created_at', 'id'], unique=False)
    op.create_table('organisation',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('own_authority', sa.Boolean(), nullable=False),
    sa.Column('office_phone', sa.Text(), nullable=False),
    sa.Column('out_of_hours_phone', sa.Text(), nullable=False),
    sa.Column('suspended_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('code')
    )
    op.create_index('organisation_own_authority', 'organisation', ['own_authority'], unique=True, postgresql_where=sa.text('own_authority'))
    op.create_table('rate_count',
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('window_start', sa.BigInteger(), nullable=False),
    sa.Column('window_seconds', sa.Integer(), nullable=False),
    sa.Column('hits', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('key', 'window_start'),
    prefixes=['UNLOGGED']
    )
    op.create_table('register_load',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('loaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('added', sa.Integer(), nullable=False),
    sa.Column('changed', sa.Integer(), nullable=False),
    sa.Column('unchanged', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_register_load_loaded_at'), 'register_load', ['loaded_at'], unique=False)
    op.create_table('spent_assertion',
    sa.Column('issuer', sa.Text(), nullable=False),
    sa.Column('jti', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('issuer', 'jti')
    )
    op.create_index(op.f('ix_spent_assertion_expires_at'), 'spent_assertion', ['expires_at'], unique=False)
    op.create_table('agreement',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('purposes', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=False),
    sa.Column('reviewed_on', sa.Date(), nullable=True),
    sa.Column('suspended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_agreement_organisation_id'), 'agreement', ['organisation_id'], unique=False)
    op.create_table('child_address',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('child_id', sa.Uuid(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['child_id'], ['child.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_child_address_child_id'), 'child_address', ['child_id'], unique=False)
    op.create_table('client',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('jwks', sa.JSON(), nullable=False),
    sa.Column('scopes', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('suspended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_client_organisation_id'), 'client', ['organisation_id'], unique=False)
    op.create_table('enquiry_answer',
    sa.Column('enquiry_id', sa.Uuid(), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('row', sa.Text(), nullable=False),
    sa.Column('child_id', sa.Uuid(), nullable=True),
    sa.Column('sealed_answer', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['enquiry_id'], ['enquiry.id'], ),
    sa.PrimaryKeyConstraint('enquiry_id')
    )
    op.create_index(op.f('ix_enquiry_answer_child_id'), 'enquiry_answer', ['child_id'], unique=False)
    op.create_table('household_member',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('child_id', sa.Uuid(), nullable=False),
    sa.Column('relationship_to_child', sa.Text(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['child_id'], ['child.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_household_member_child_id'), 'household_member', ['child_id'], unique=False)
    op.create_table('plan',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('child_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('categories', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('started_on', sa.Date(), nullable=False),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.Column('responsible_organisation_id', sa.Uuid(), nullable=True),
    sa.Column('sealed_other_key_worker', sa.LargeBinary(), nullable=True),
    sa.ForeignKeyConstraint(['child_id'], ['child.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['responsible_organisation_id'], ['organisation.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('plan_child', 'plan', ['child_id'], unique=False)
    op.create_index('plan_one_active', 'plan', ['child_id'], unique=True, postgresql_where=sa.text('ended_on IS NULL'))
    op.create_table('professional',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('data_key', sa.LargeBinary(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('suspended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('professional_subject', 'professional', ['organisation_id', 'subject'], unique=True)
    op.create_table('transfer_case',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('professional_id', sa.Uuid(), nullable=False),
    sa.Column('originating_organisation_id', sa.Uuid(), nullable=False),
    sa.Column('idempotency_key', sa.Text(), nullable=True),
    sa.Column('request_digest', sa.LargeBinary(), nullable=False),
    sa.Column('child_id', sa.Uuid(), nullable=False),
    sa.Column('placed_as', sa.Text(), nullable=False),
    sa.Column('moved_on', sa.Date(), nullable=False),
    sa.Column('conference_due', sa.Date(), nullable=False),
    sa.Column('calendar_version', sa.Text(), nullable=False),
    sa.Column('data_key', sa.LargeBinary(), nullable=False),
    sa.Column('sealed_notice', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['child_id'], ['child.id'], ),
    sa.ForeignKeyConstraint(['originating_organisation_id'], ['organisation.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('reference')
    )
    op.create_index('transfer_child', 'transfer_case', ['child_id'], unique=False)
    op.create_index('transfer_idempotency_key', 'transfer_case', ['client_id', 'idempotency_key'], unique=True)
    op.create_table('child_case',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('child_id', sa.Uuid(), nullable=False),
    sa.Column('opened_on', sa.Date(), nullable=False),
    sa.Column('closed_on', sa.Date(), nullable=True),
    sa.Column('key_worker_id', sa.Uuid(), nullable=True),
    sa.Column('team_manager_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['child_id'], ['child.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['key_worker_id'], ['professional.id'], ),
    sa.ForeignKeyConstraint(['team_manager_id'], ['professional.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_child_case_child_id'), 'child_case', ['child_id'], unique=False)
    op.create_table('cover',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('professional_id', sa.Uuid(), nullable=False),
    sa.Column('covered_by', sa.Uuid(), nullable=True),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['covered_by'], ['professional.id'], ),
    sa.ForeignKeyConstraint(['professional_id'], ['professional.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_cover_professional_id'), 'cover', ['professional_id'], unique=False)
    # Records of who asked and what was answered are added to and never changed. The triggers stop accidents and
    # careless repairs; whoever owns the database can drop them, which the transparency log is there to show.
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    for table in INSERT_ONLY:
        op.execute(
            f"CREATE TRIGGER only_add BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER only_add")


def downgrade() -> None:
    for table in INSERT_ONLY:
        op.execute(f"DROP TRIGGER only_add ON {table}")
    op.execute("DROP FUNCTION refuse_change()")
    op.drop_index(op.f('ix_cover_professional_id'), table_name='cover')
    op.drop_table('cover')
    op.drop_index(op.f('ix_child_case_child_id'), table_name='child_case')
    op.drop_table('child_case')
    op.drop_index('transfer_idempotency_key', table_name='transfer_case')
    op.drop_index('transfer_child', table_name='transfer_case')
    op.drop_table('transfer_case')
    op.drop_index('professional_subject', table_name='professional')
    op.drop_table('professional')
    op.drop_index('plan_one_active', table_name='plan', postgresql_where=sa.text('ended_on IS NULL'))
    op.drop_index('plan_child', table_name='plan')
    op.drop_table('plan')
    op.drop_index(op.f('ix_household_member_child_id'), table_name='household_member')
    op.drop_table('household_member')
    op.drop_index(op.f('ix_enquiry_answer_child_id'), table_name='enquiry_answer')
    op.drop_table('enquiry_answer')
    op.drop_index(op.f('ix_client_organisation_id'), table_name='client')
    op.drop_table('client')
    op.drop_index(op.f('ix_child_address_child_id'), table_name='child_address')
    op.drop_table('child_address')
    op.drop_index(op.f('ix_agreement_organisation_id'), table_name='agreement')
    op.drop_table('agreement')
    op.drop_index(op.f('ix_spent_assertion_expires_at'), table_name='spent_assertion')
    op.drop_table('spent_assertion')
    op.drop_table('rate_count')
    op.drop_index(op.f('ix_register_load_loaded_at'), table_name='register_load')
    op.drop_table('register_load')
    op.drop_index('organisation_own_authority', table_name='organisation', postgresql_where=sa.text('own_authority'))
    op.drop_table('organisation')
    op.drop_index('notification_role', table_name='notification')
    op.drop_index('notification_person', table_name='notification')
    op.drop_index('notification_enquiry', table_name='notification')
    op.drop_table('notification')
    op.drop_table('installation')
    op.drop_table('enquiry_token')
    op.drop_index(op.f('ix_enquiry_received_at'), table_name='enquiry')
    op.drop_index(op.f('ix_enquiry_professional_id'), table_name='enquiry')
    op.drop_index('enquiry_idempotency_key', table_name='enquiry', postgresql_where=sa.text('idempotency_key IS NOT NULL'))
    op.drop_table('enquiry')
    op.drop_index(op.f('ix_consideration_enquiry_enquiry_id'), table_name='consideration_enquiry')
    op.drop_table('consideration_enquiry')
    op.drop_index('consideration_open', table_name='consideration', postgresql_where=sa.text('decided_at IS NULL'))
    op.drop_table('consideration')
    op.drop_table('child_token')
    op.drop_index(op.f('ix_child_household_id'), table_name='child')
    op.drop_table('child')
    op.drop_table('address_token')
    op.drop_index('access_entry_reference', table_name='access_entry')
    op.drop_table('access_entry')
