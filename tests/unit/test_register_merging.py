"""What two sources say of one child: each knows something that the other does not."""

from dataclasses import replace

import pytest

from registry_api.matching.person import Name
from registry_api.register.entry import ChildEntry, Identity
from registry_api.register.merging import with_details_of

OURS = ChildEntry(identity=Identity(names=(Name("Testa", "Synthetica"),), record_id="C-1"))
THEIRS = ChildEntry(identity=Identity(names=(Name("Tess", "Synthetica"),), record_id="C-2", household_id="H-2"))


@pytest.mark.rule("REG-2")
def test_every_name_stays_and_the_first_source_has_the_first_word() -> None:
    child = with_details_of(OURS, THEIRS).identity
    assert (child.names, child.record_id) == ((*OURS.identity.names, *THEIRS.identity.names), "C-1")


@pytest.mark.rule("REG-1")
def test_the_household_is_that_of_whichever_source_knows_it() -> None:
    assert with_details_of(OURS, THEIRS).identity.household_id == "H-2"
    known = replace(OURS, identity=replace(OURS.identity, household_id="H-1"))
    assert with_details_of(known, THEIRS).identity.household_id == "H-1"
