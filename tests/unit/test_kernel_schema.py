"""The schema that a worker expects is the one that the migrations end in."""

from registry_api.kernel import migrations, schema


def test_expected_revision_is_the_newest_script() -> None:
    assert migrations.head() == schema.EXPECTED
