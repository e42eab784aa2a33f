"""The log as everybody reads it over HTTP: checkpoint, tiles and proofs, of the signed tree and of no other."""

from pathlib import Path

import pytest
from builders import World, question
from integration.log_writers import exported, log, verifies

from registry_api.access_log import verify
from registry_api.access_log.log_keys import LogKeys
from registry_api.access_log.tiles import WIDTH, path_of, tiles_in


async def _until_signed(world: World, size: int) -> str:
    """Return the checkpoint, once it covers so many entries."""
    await world.ask("officer-1", question())  # which waits for its own
    while True:
        note = (await world.http.get("/log/checkpoint")).text
        if int(note.split("\n")[1]) >= size:
            return note


async def test_all_that_an_export_has_is_served(world: World, tmp_path: Path) -> None:
    await log(world.database, 300)
    note = await _until_signed(world, 300)
    size = int(note.split("\n")[1])
    folder = await exported(world.database, tmp_path / "log")
    keys = LogKeys.load(world.settings.log_keys_file)
    assert (folder / "checkpoint").read_text() == note
    assert verifies(folder, keys)
    paths = [path_of(tile.level, tile.number, tile.width(size)) for tile in tiles_in(size)]
    paths += [path_of("entries", 0), path_of("entries", 1, size - WIDTH)]
    for path in paths:
        answer = await world.http.get(f"/log/{path}")
        assert answer.content == (folder / path).read_bytes()
        assert answer.headers["content-type"] == "application/octet-stream"
    narrower = await world.http.get(f"/log/{path_of(0, 1, 20)}")
    assert narrower.content == (folder / paths[1]).read_bytes()[: 20 * 32], "of an earlier head"
    whole = (folder / path_of("entries", 0)).read_bytes()
    fewer = await world.http.get(f"/log/{path_of('entries', 0, 5)}")
    assert fewer.content == whole[: _length_of_five(whole)]


def _length_of_five(bundle: bytes) -> int:
    at = 0
    for _ in range(5):
        at += 2 + int.from_bytes(bundle[at : at + 2], "big")
    return at


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/001",
        "tile/0/000",
        "tile/0/000.p/256",
        "tile/0/000.p/0",
        "tile/0/000.p/200",
        "tile/0/000.p/01",
        "tile/00/000.p/1",
        "tile/64/000",
        "tile/1/000.p/1",
        "tile/0/x000/000.p/1",
        "tile/0/x999/x999/x999/x999/x999/999",
        "tile/entries/001",
        "tile/entries/000.p/200",
        "tile/0/-01",
        "tile/data/000",
        f"proof/{2**53 - 1}",
        "consistency/2/1",
        f"consistency/1/{2**53 - 1}",
    ],
)
async def test_what_the_signed_log_has_not_is_not_there(world: World, path: str) -> None:
    await _until_signed(world, 2)
    answer = await world.http.get(f"/log/{path}")
    assert (answer.status_code, answer.json()["status"]) == (404, 404)


async def test_an_entry_is_proved_to_be_in_the_log_and_the_log_to_have_only_grown(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier = tmp_path / "earlier"
    earlier.write_text(await _until_signed(world, 2))
    await log(world.database, 300)
    (later := tmp_path / "later").write_text(await _until_signed(world, 300))
    keys = [part for key in LogKeys.load(world.settings.log_keys_file).public() for part in ("--log-key", key)]
    old, new = (int(note.read_text().split("\n")[1]) for note in (earlier, later))
    leaves = verify.Export(await exported(world.database, tmp_path / "log")).entries(new)
    for index, leaf in enumerate(leaves):
        if index in (0, old - 1, old, WIDTH - 1, WIDTH, new - 1):
            (proof := tmp_path / f"{index}.tlog-proof").write_bytes(
                (await world.http.get(f"/log/proof/{index}")).content
            )
            assert verify.main(["verify-inclusion", str(proof), *keys]) == 0
            assert leaf.decode() in capsys.readouterr().out
    (grown := tmp_path / "grown").write_text((await world.http.get(f"/log/consistency/{old}/{new}")).text)
    shown = ["verify-consistency", str(earlier), str(later), *keys, "--proof"]
    assert verify.main([*shown, str(grown)]) == 0
    grown.write_text((await world.http.get(f"/log/consistency/{old - 1}/{new}")).text)
    assert verify.main([*shown, str(grown)]) == 1, "of another size"
    assert (await world.http.get(f"/log/consistency/{new}/{new}")).text == ""
