"""Whether the sender of a request holds the key that they should: by a DPoP proof, which counts once, or by the
certificate of their TLS connection.

What is new at the token endpoint is the key that a token will be bound to; at every other place the token says which
key it must be.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request

from auth.binding import Binding
from auth.certificates import certificate_thumbprint
from auth.dpop import Proof, ProofVerifier
from auth.errors import InvalidToken, Reason
from auth.nonces import Nonces
from auth.protocols import Presentations, Spending, UsedProof


@dataclass(frozen=True, slots=True)
class Shown:
    """What a request shows of its sender's key. ``path`` is as it was sent; ``proofs`` are all its DPoP headers, and
    ``certificates`` all those in which a proxy passes on a certificate."""

    method: str
    path: str
    proofs: Sequence[str]
    certificates: Sequence[str] = ()


class Possession:
    """Establishes which key the sender of a request holds.

    Args:
        proofs: verifies DPoP proofs.
        nonces: those that proofs carry.
        presentations: where proofs are used up.
        certificate_header: the header in which a trusted proxy, and nobody else, can pass on a certificate; None where
            there is no such proxy, and no certificate counts.
    """

    def __init__(
        self,
        proofs: ProofVerifier,
        nonces: Nonces,
        presentations: Presentations,
        certificate_header: str | None = None,
    ) -> None:
        self._proofs = proofs
        self.nonces = nonces
        self._presentations = presentations
        self._certificate_header = certificate_header

    def shown_by(self, request: Request) -> Shown:
        """Return what ``request`` shows."""
        path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        header = self._certificate_header
        certificates = request.headers.getlist(header) if header else []
        # Empty is how some proxies say that there is none.
        shown = [] if certificates == [""] else certificates
        return Shown(request.method, path.decode("latin-1"), request.headers.getlist("dpop"), shown)

    async def establish(self, shown: Shown) -> Binding:
        """Return the key that a new token is to be bound to, and use up the proof of it.

        A certificate counts where no proof is sent: whoever sends one wants a token bound to the proof's key.

        Raises:
            InvalidToken: what ``ProofVerifier.verify`` raises, REPLAYED, CERTIFICATE, or NONCE: everything else is in
                order.
        """
        if shown.certificates and not shown.proofs:
            return _certified(shown)
        proof = self._proofs.verify(shown.proofs, shown.method, shown.path)
        await self.settle(await self._presentations.spend_proof(_use(proof)))
        return Binding("jkt", proof.thumbprint)

    def check(self, shown: Shown, token: str, scheme: str, binding: Binding) -> UsedProof | None:
        """Check that the sender holds the key of ``token``, and return the use of their proof, which is yet to be made.

        Args:
            shown: what the request shows.
            token: a token that has been verified.
            scheme: of the Authorization header that it came in, in lower case.
            binding: the key that the token is bound to.

        Raises:
            InvalidToken: what ``ProofVerifier.verify`` raises, CERTIFICATE, BINDING for another key, or NONCE:
                everything else is in order.
        """
        if scheme != binding.token_type.lower():
            raise InvalidToken(Reason.PROOF_MISSING if binding.method == "jkt" else Reason.CERTIFICATE)
        if binding.method == "x5t#S256":
            if _certified(shown) != binding:
                raise InvalidToken(Reason.BINDING)
            return None
        proof = self._proofs.verify(shown.proofs, shown.method, shown.path, token=token)
        if proof.thumbprint != binding.thumbprint:
            raise InvalidToken(Reason.BINDING)
        return _use(proof)

    async def settle(self, spending: Spending | None) -> None:
        """Raise InvalidToken unless it was the first use of a proof: REPLAYED, or NONCE where that is not known."""
        if spending is Spending.AGAIN:
            raise InvalidToken(Reason.REPLAYED)
        if spending is Spending.UNKNOWN:
            self.nonces.begin_at(await self._presentations.proofs_since())
            raise InvalidToken(Reason.NONCE)


def _certified(shown: Shown) -> Binding:
    if len(shown.certificates) != 1:
        raise InvalidToken(Reason.CERTIFICATE)
    return Binding("x5t#S256", certificate_thumbprint(shown.certificates[0]))


def _use(proof: Proof) -> UsedProof:
    if proof.use is None:
        raise InvalidToken(Reason.NONCE)
    return proof.use
