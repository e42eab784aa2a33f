"""How the tests themselves are run."""

import pytest


@pytest.mark.xdist_group("kept together")
def test_tests_of_one_group_are_kept_in_one_process(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("loadgroup", default=False):
        pytest.skip("nobody asked for groups: in one process all tests are together")
    # The name is how xdist carries the group; where it is missing, nothing says that the groups are not kept to.
    assert request.node.nodeid.endswith("@kept together")
