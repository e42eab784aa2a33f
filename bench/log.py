"""``make bench-log``: what the access log costs an enquiry, and by itself, at a million entries.

``python -m bench.log`` writes a log of that size to a temporary folder (0.8 GB), runs the verifier over it as an
auditor would, in a process of its own, on one core; asks the service with the log and, in turns, the same build that
does not wait for it (``bench.without_log``); and prints the figures beside their goals. Writes ``bench/out/log.json``.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from uuid import UUID

from rich.console import Console
from rich.table import Table

from bench.log_service import measure
from registry_api.access_log import checkpoint, verify
from registry_api.access_log.checkpoint import Checkpoint
from registry_api.access_log.entry import Entry
from registry_api.access_log.export import Writer
from registry_api.access_log.merkle import inclusion_spans, verify_inclusion
from registry_api.access_log.note import Kind, Note, Signer
from registry_api.access_log.tiles import Tile, hashes_of, path_of, root_of_span, tiles_of

OUT = Path(__file__).parent / "out" / "log.json"
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
    parser.add_argument("--records", type=int, default=100_000, help="children on the register")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement of enquiries")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--state", type=Path, default=Path(".state/bench"), help="where the register is kept")
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
    at_work = os.getloadavg()[0]
    pairs, sequenced = measure(
        args.state.absolute(),
        args.records,
        repeats=args.repeats,
        seconds=args.seconds,
        clients=args.clients,
        entries=min(args.entries, 20_000),
    )
    for name, figures, form in (
        ("enquiries/s with the log", [pair.with_log for pair in pairs], ",.0f"),
        ("enquiries/s without waiting for it", [pair.without for pair in pairs], ",.0f"),
        ("p99 with the log, ms", [pair.with_p99 for pair in pairs], ".1f"),
        ("p99 without waiting for it, ms", [pair.without_p99 for pair in pairs], ".1f"),
    ):
        table.add_row(name, format(median(figures), form), "", "")
    ratios = [pair.ratio for pair in pairs]
    table.add_row("throughput with ÷ without", f"{median(ratios):.2f}", f"{min(ratios):.2f}", "≥ 0.6")
    table.add_row("not answered with 200", str(sum(pair.errors for pair in pairs)), "", "0")
    table.add_row("entries/s of one sequencer", f"{sequenced:,.0f}", "", "")
    Console(width=100).print(table)
    OUT.parent.mkdir(exist_ok=True)
    written = {
        "load_before": {"files": load, "service": at_work},
        "entries": args.entries,
        "check_seconds": checks,
        "proof_p50_ms": median(proofs),
        "proof_p99_ms": p99,
        "sequenced_per_second": sequenced,
        "enquiries": [asdict(pair) | {"ratio": pair.ratio} for pair in pairs],
    }
    OUT.write_text(json.dumps(written, indent=1))


if __name__ == "__main__":
    main()
