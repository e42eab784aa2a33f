"""What the access log costs by itself: proofs out of a log of a million entries, and checking all of it.

``python -m bench.log`` writes a log of that size to a temporary folder (0.8 GB), runs the verifier over it as an
auditor would, in a process of its own, and prints both figures beside their goals. Everything runs on one core.
"""

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from uuid import UUID

from rich.console import Console
from rich.table import Table

from registry_api.access_log import checkpoint, verify
from registry_api.access_log.checkpoint import Checkpoint
from registry_api.access_log.entry import Entry
from registry_api.access_log.export import Writer
from registry_api.access_log.merkle import inclusion_spans, verify_inclusion
from registry_api.access_log.note import Kind, Note, Signer
from registry_api.access_log.tiles import Tile, hashes_of, path_of, root_of_span, tiles_of

_NAMES = ("authority", "asked", "disclosed", "organisation", "purpose", "reason", "role", "who")
_AT = datetime(2026, 3, 4, tzinfo=UTC)


def _entries(size: int) -> Iterator[bytes]:
    """Yield entries of the usual length; only their ids differ, which costs the verifier the same."""
    first = UUID(int=0)
    leaf = Entry(first, "enquiry.received", _AT, dict.fromkeys(_NAMES, "x"), "E-12345-67890", [bytes(32)])
    before, _, after = leaf.leaf(bytes(32)).partition(str(first).encode())
    for number in range(size):
        yield before + str(UUID(int=number)).encode() + after


def _write(folder: Path, size: int, signer: Signer) -> bytes:
    writer = Writer(folder)
    writer.add(_entries(size))
    _, root = writer.finish(b"")
    text = Checkpoint("bench.test/log", size, root).text
    (folder / "checkpoint").write_bytes(bytes(Note(text, tuple(checkpoint.sign(text, [signer], _AT)))))
    return root


def _check(folder: Path, signer: Signer) -> float:
    """Return the processor seconds of the verifier, the start of the interpreter included."""
    command = [sys.executable, verify.__file__, "fsck", str(folder), "--log-key", str(signer.verifier)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _prove(folder: Path, size: int, root: bytes, proofs: int) -> list[float]:
    """Return the milliseconds of each of a number of proofs: its tiles read, its path computed."""
    chosen, taken = random.Random(1), []
    for _ in range(proofs):
        index = chosen.randrange(size)
        started = time.perf_counter()
        spans = inclusion_spans(index, size)
        tiles = {tile: _tile(folder, tile, size) for tile in tiles_of(spans)}
        path = [root_of_span(span, tiles) for span in spans]
        taken.append((time.perf_counter() - started) * 1000)
        number, place = divmod(index, 256)
        leaf = hashes_of(_tile(folder, Tile(0, number), size))[place]
        assert verify_inclusion(leaf, index, size, path, root)
    return taken


def _tile(folder: Path, tile: Tile, size: int) -> bytes:
    return (folder / path_of(tile.level, tile.number, tile.width(size))).read_bytes()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.log", description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--proofs", type=int, default=2_000)
    args = parser.parse_args()
    signer = Signer.new("bench.test/log", Kind.ED25519)
    with tempfile.TemporaryDirectory() as name:
        folder, load = Path(name), os.getloadavg()[0]
        root = _write(folder, args.entries, signer)
        checks = [_check(folder, signer) for _ in range(args.repeats)]
        proofs = _prove(folder, args.entries, root, args.proofs)
    table = Table(title=f"The access log at {args.entries:,} entries (load average before: {load:.1f})")
    for title in ("figure", "median", "worst", "goal"):
        table.add_column(title)
    table.add_row("full check, processor s", f"{median(checks):.2f}", f"{max(checks):.2f}", "< 4 at 1,000,000")
    p99 = quantiles(proofs, n=100)[98]
    table.add_row("proof of one entry, ms", f"{median(proofs):.2f}", f"p99 {p99:.2f}", "p99 < 2")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
