"""What is promised of the access log holds through kill -9 of everything: ``make soak`` for as long as one likes.

No acknowledged answer without its two entries, no entry twice, none of a transaction that was rolled back, and every
receipt that was handed out consistent with the tree as it stands in the end.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from journeys.log_storm import WRITERS_REFERENCE, Acknowledged, Storm, a_storm

from registry_api.access_log import verify
from registry_api.enquiries.service import Enquiries
from registry_api.kernel.clock import utc_now
from registry_api.kernel.db import Database
from registry_api.kernel.settings import Settings
from registry_api.main import create_app

SECONDS = float(os.environ.get("SOAK_SECONDS", "12"))
SEED = int(os.environ.get("SOAK_SEED", "4"))

pytestmark = [pytest.mark.timeout(SECONDS * 2 + 900), pytest.mark.rule("ENQ-2")]
ANSWERED = {"enquiry.answered", "enquiry.finished_unsent"}


async def finish(storm: Storm) -> None:
    """Do what the service does by itself a minute after an attempt: nobody's follow-up waits (ENQ-10)."""
    settings = Settings(
        state_dir=storm.state,
        base_url=storm.environment["REGISTRY_BASE_URL"],
        log_sequencer="separate",
        log_deadline_seconds=10,
    )
    app = create_app(settings, storm.postgres.service_urls, clock=lambda: utc_now() + timedelta(seconds=90))
    async with app.router.lifespan_context(app):
        database = Database(storm.postgres.url, pool_size=1)
        enquiries: Enquiries = app.state.enquiries
        while await storm.count(
            "SELECT count(*) FROM enquiry e LEFT JOIN enquiry_answer a ON a.enquiry_id = e.id "
            "WHERE a.enquiry_id IS NULL AND e.refusal IS NULL"
        ):
            await enquiries.finish_unanswered(database)
        await database.close()


def in_the_tree(folder: Path, size: int) -> list[dict[str, Any]]:
    return [json.loads(entry) for entry in verify.Export(folder).entries(size)]


def kept_receipts(folder: Path, answers: list[Acknowledged]) -> list[Path]:
    folder.mkdir()
    kept = [folder / f"{number}.tlog-proof" for number in range(len(answers))]
    for path, answer in zip(kept, answers, strict=True):
        path.write_text(answer.receipt)
    return kept


async def test_kill_9_of_everything_breaks_no_promise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\nseed {SEED}, {SECONDS:g} s", flush=True)  # a run of its own is begun with the seed of one that failed
    with a_storm(tmp_path, SEED) as storm:
        known = await asyncio.to_thread(storm.rage, SECONDS)
        await finish(storm)
        (keys := tmp_path / "keys").write_text(storm.does("log", "keys"))
        storm.does("log", "check")
        exported = tmp_path / "exported"
        storm.does("log", "export", str(exported), "--by", "sm-1", "--why", "The storm is over.")
        said, killed = storm.said(), Counter(what.split()[0] for what in known.killed)
    with capsys.disabled():
        print(f"{len(known.answers)} answers, {len(known.not_answered)} not; killed {dict(killed)}", flush=True)
    assert known.answers, said[-3000:]
    assert '"log_refused"' not in said, "nothing of this is to be taken for an attack"

    receipts = kept_receipts(tmp_path / "receipts", known.answers)
    outside = [argument for path in receipts for argument in ("--checkpoint", str(path))]
    command = [sys.executable, verify.__file__, "fsck", str(exported), "--deep", "--log-key", str(keys), *outside]
    checked = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr

    trust = verify.Trust(verify.keys_of([str(keys)]), [], 0)
    size = trust.open((exported / "checkpoint").read_bytes()).size
    leaves = in_the_tree(exported, size)
    places: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for index, leaf in enumerate(leaves):
        places[leaf["ref"]].append((index, leaf["t"]))
    for answer in known.answers:
        receipt = verify.Receipt.of(answer.receipt.encode())
        verify.check_inclusion(receipt.entry, receipt.index, trust.open(receipt.note), receipt.path)
        assert json.loads(receipt.entry) == leaves[receipt.index]
        assert leaves[receipt.index]["ref"] == answer.reference
        (received,) = (index for index, kind in places[answer.reference] if kind == "enquiry.received")
        (answered,) = (index for index, kind in places[answer.reference] if kind in ANSWERED)
        assert received < answered <= receipt.index
    references = {answer.key: answer.reference for answer in known.answers}
    assert len(set(references.values())) == len(references), "each key is an enquiry of its own"

    written = {ref for ref in places if ref and ref.startswith(WRITERS_REFERENCE)}
    assert set(known.committed) <= written
    assert not written.intersection(known.rolled_back)
    assert all(len(places[reference]) == 1 for reference in written), "nothing is there twice"
    enquiries = {ref: [kind for _, kind in its] for ref, its in places.items() if ref and ref.startswith("E-")}
    for reference, kinds in enquiries.items():
        assert kinds.count("enquiry.received") == 1, reference
        assert sum(kind in ANSWERED for kind in kinds) == 1, f"{reference} is neither answered nor reported as such"
    for body in known.not_answered:
        assert "outcome" not in body
        assert "receipt" not in body
