"""A tree over the access log: every entry is queued for it, and stands in it under a signed head before anything is disclosed."""

from alembic import op
import sqlalchemy as sa

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

INSERT_ONLY = ("log_origin", "log_entry", "log_payload", "log_leaf", "log_tile", "log_head", "log_checkpoint")
REMOVE_ONLY = ("log_pending", "log_secret")


def upgrade() -> None:
    op.add_column('access_entry', sa.Column('digest', sa.LargeBinary(), nullable=True))
    op.add_column('access_entry', sa.Column('child_ids', sa.ARRAY(sa.Uuid()), nullable=True))
    op.create_table('log_origin',
    sa.Column('id', sa.SmallInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('origin', sa.Text(), nullable=False),
    sa.Column('begun_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('origin')
    )
    op.create_table('log_pending',
    sa.Column('access_entry_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('access_entry_id')
    )
    op.create_table('log_entry',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('access_entry_id', sa.BigInteger(), nullable=False),
    sa.Column('leaf', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('access_entry_id')
    )
    op.create_table('log_payload',
    sa.Column('entry_id', sa.Uuid(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('entry_id')
    )
    op.create_table('log_secret',
    sa.Column('entry_id', sa.Uuid(), nullable=False),
    sa.Column('wrapped', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('entry_id')
    )
    op.create_table('log_leaf',
    sa.Column('origin_id', sa.SmallInteger(), nullable=False),
    sa.Column('idx', sa.BigInteger(), nullable=False),
    sa.Column('entry_id', sa.Uuid(), nullable=False),
    sa.Column('leaf_hash', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('origin_id', 'idx'),
    sa.UniqueConstraint('origin_id', 'entry_id')
    )
    op.create_table('log_tile',
    sa.Column('origin_id', sa.SmallInteger(), nullable=False),
    sa.Column('level', sa.SmallInteger(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('hashes', sa.LargeBinary(), nullable=False),
    sa.Column('root', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('origin_id', 'level', 'number')
    )
    op.create_table('log_head',
    sa.Column('origin_id', sa.SmallInteger(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('root', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('origin_id', 'size')
    )
    op.create_table('log_checkpoint',
    sa.Column('origin_id', sa.SmallInteger(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('note', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('origin_id', 'size')
    )
    # Whoever adds an entry, in whichever statement, has it queued: forgetting that is not possible.
    op.execute(
        """
        CREATE FUNCTION queue_for_the_tree() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO log_pending (access_entry_id) SELECT id FROM added;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER queued AFTER INSERT ON access_entry REFERENCING NEW TABLE AS added "
        "FOR EACH STATEMENT EXECUTE FUNCTION queue_for_the_tree()"
    )
    op.execute("ALTER TABLE access_entry ENABLE ALWAYS TRIGGER queued")
    # What was recorded before there was a tree goes into it as well.
    op.execute("INSERT INTO log_pending (access_entry_id) SELECT id FROM access_entry")
    # Revision 0001 made the function.
    for table in INSERT_ONLY:
        op.execute(
            f"CREATE TRIGGER only_add BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER only_add")
    for table in REMOVE_ONLY:
        op.execute(
            f"CREATE TRIGGER only_add BEFORE UPDATE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER only_add")


def downgrade() -> None:
    op.execute("DROP TRIGGER queued ON access_entry")
    op.execute("DROP FUNCTION queue_for_the_tree()")
    op.drop_table('log_checkpoint')
    op.drop_table('log_head')
    op.drop_table('log_tile')
    op.drop_table('log_leaf')
    op.drop_table('log_secret')
    op.drop_table('log_payload')
    op.drop_table('log_entry')
    op.drop_table('log_pending')
    op.drop_table('log_origin')
    op.drop_column('access_entry', 'child_ids')
    op.drop_column('access_entry', 'digest')
