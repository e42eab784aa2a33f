"""How the tests of the directory's API read an entry and change it on what they read."""

from typing import Any

import httpx2
from builders import World

DIRECTORY = "/api/v1/directory"
WHY = "As agreed in the meeting with Testperson Partner."


class Keeper:
    """Somebody who keeps the directory over the API, with a token of its scope."""

    def __init__(self, world: World, subject: str = "da-1") -> None:
        self.world = world
        self._auth = world.auth(subject, "directory")

    def below(self, code: str, *rest: object) -> str:
        """The path of an entry below an organisation."""
        return "/".join(map(str, (f"/organisations/{self.world.organisations[code]}", *rest)))

    async def get(self, path: str, **query: Any) -> httpx2.Response:
        return await self.world.http.get(DIRECTORY + path, params=query, auth=self._auth)

    async def send(
        self, method: str, path: str, body: dict[str, Any], *, version: str | None = None
    ) -> httpx2.Response:
        """Send a change, with a reason where the body has none."""
        headers = {} if version is None else {"If-Match": version}
        body = {"why": WHY} | body
        return await self.world.http.request(method, DIRECTORY + path, json=body, headers=headers, auth=self._auth)

    async def version(self, path: str) -> str:
        """Read an entry and return its entity tag."""
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        tag: str = answer.headers["etag"]
        assert tag == f'"{answer.json()["version"]}"'
        return tag

    async def change(self, path: str, body: dict[str, Any], what: str = "", method: str = "PUT") -> httpx2.Response:
        """Change an entry on the version that it has now; ``what`` is the part of it that is changed."""
        return await self.send(method, path + what, body, version=await self.version(path))

    async def suspend(self, path: str, *, suspended: bool = True) -> httpx2.Response:
        return await self.change(path, {"suspended": suspended}, "/suspension")

    async def agreement(self, code: str) -> str:
        """The path of an organisation's first agreement."""
        answer = await self.get(self.below(code, "agreements"))
        return self.below(code, "agreements", answer.json()["agreements"][0]["id"])

    def professional(self, subject: str) -> str:
        """The path of a professional."""
        member = self.world.members[subject]
        return self.below(member.client_id.removesuffix("-system"), "professionals", member.id)

    async def history(self, **query: Any) -> list[dict[str, Any]]:
        answer = await self.get("/changes", **query)
        assert answer.status_code == 200, answer.text
        changes: list[dict[str, Any]] = answer.json()["changes"]
        return changes


def because(answer: httpx2.Response) -> str:
    """Why a change cannot be."""
    assert answer.status_code == 422, answer.text
    said = answer.json()
    assert said["type"] == "urn:registry:problem:not-possible", said
    return str(said["because"])
