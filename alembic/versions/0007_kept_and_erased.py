"""Kept and erased: until when an entry opens, legal holds, erasures; why it was opened; what stands outside."""

from alembic import op
import sqlalchemy as sa

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

INSERT_ONLY = ("log_erased", "log_anchor", "log_cosignature")
ERASABLE = ("access_entry", "enquiry", "enquiry_answer", "call_back", "register_opened", "log_search", "log_act")
REWRAPPED = ("enquiry", "log_search", "log_act")


def upgrade() -> None:
    op.add_column('log_secret', sa.Column('expires_on', sa.Date(), nullable=True))
    op.create_index('log_secret_expires', 'log_secret', ['expires_on'], unique=False)
    op.create_table('log_act',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('access_entry_id', sa.BigInteger(), nullable=False),
    sa.Column('operator', sa.Text(), nullable=False),
    sa.Column('data_key', sa.LargeBinary(), nullable=False),
    sa.Column('sealed_why', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('access_entry_id')
    )
    op.create_table('legal_hold',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('child_id', sa.Uuid(), nullable=True),
    sa.Column('reference', sa.Text(), nullable=True),
    sa.Column('professional_id', sa.Uuid(), nullable=True),
    sa.Column('placed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('placed_entry', sa.BigInteger(), nullable=False),
    sa.Column('lifted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lifted_entry', sa.BigInteger(), nullable=True),
    sa.CheckConstraint('num_nonnulls(child_id, reference, professional_id) = 1'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('legal_hold_standing', 'legal_hold', ['placed_at'], unique=False,
                    postgresql_where=sa.text('lifted_at IS NULL'))
    op.create_table('log_erased',
    sa.Column('entry_id', sa.Uuid(), nullable=False),
    sa.Column('access_entry_id', sa.BigInteger(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=True),
    sa.Column('erasure', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('entry_id'),
    sa.UniqueConstraint('access_entry_id')
    )
    op.create_index('log_erased_reference', 'log_erased', ['reference'], unique=False)
    op.create_index('log_erased_erasure', 'log_erased', ['erasure'], unique=False)
    op.create_table('log_anchor',
    sa.Column('origin_id', sa.SmallInteger(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('place', sa.Text(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('note', sa.LargeBinary(), nullable=False),
    sa.Column('token', sa.LargeBinary(), nullable=True),
    sa.PrimaryKeyConstraint('origin_id', 'kind', 'place', 'day')
    )
    op.create_table('log_cosignature',
    sa.Column('origin_id', sa.SmallInteger(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('witness', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('lines', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('origin_id', 'size', 'witness')
    )
    # Revision 0001 made the function.
    for table in INSERT_ONLY:
        op.execute(
            f"CREATE TRIGGER only_add BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER only_add")
    # A record is deleted only once it is written that it was erased, which cannot be taken back.
    op.execute(
        """
        CREATE FUNCTION refuse_unless_erased() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            erased boolean;
        BEGIN
            IF TG_TABLE_NAME = 'access_entry' THEN
                erased := EXISTS (SELECT FROM log_erased WHERE access_entry_id = OLD.id);
            ELSIF TG_TABLE_NAME IN ('log_search', 'log_act') THEN
                erased := EXISTS (SELECT FROM log_erased WHERE access_entry_id = OLD.access_entry_id);
            ELSIF TG_TABLE_NAME = 'enquiry' THEN
                erased := EXISTS (SELECT FROM log_erased WHERE reference = OLD.reference);
            ELSE
                erased := EXISTS (
                    SELECT FROM enquiry e JOIN log_erased l ON l.reference = e.reference WHERE e.id = OLD.enquiry_id
                );
            END IF;
            IF erased THEN
                RETURN OLD;
            END IF;
            RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    # Under a legal hold the key of a row is wrapped anew, under the key of a later month. Nothing else is changed.
    op.execute(
        """
        CREATE FUNCTION refuse_but_rewrapped() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.data_key IS DISTINCT FROM OLD.data_key
               AND to_jsonb(NEW) - 'data_key' = to_jsonb(OLD) - 'data_key' THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    for table in ERASABLE:
        if table != "log_act":
            op.execute(f"DROP TRIGGER only_add ON {table}")
        rewrapped = table in REWRAPPED
        op.execute(
            f"CREATE TRIGGER only_add BEFORE {'' if rewrapped else 'UPDATE OR '}TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER only_erase BEFORE DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_unless_erased()"
        )
        for trigger in ("only_add", "only_erase"):
            op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")
        if rewrapped:
            op.execute(
                f"CREATE TRIGGER only_rewrap BEFORE UPDATE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION refuse_but_rewrapped()"
            )
            op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER only_rewrap")


def downgrade() -> None:
    for table in ERASABLE:
        for trigger in ("only_add", "only_erase", *(["only_rewrap"] if table in REWRAPPED else [])):
            op.execute(f"DROP TRIGGER {trigger} ON {table}")
        if table != "log_act":
            op.execute(
                f"CREATE TRIGGER only_add BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
            op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER only_add")
    op.execute("DROP FUNCTION refuse_but_rewrapped()")
    op.execute("DROP FUNCTION refuse_unless_erased()")
    op.drop_table('log_cosignature')
    op.drop_table('log_anchor')
    op.drop_table('log_erased')
    op.drop_table('legal_hold')
    op.drop_table('log_act')
    op.drop_index('log_secret_expires', table_name='log_secret')
    op.drop_column('log_secret', 'expires_on')
