"""How a member of staff comes by a session: the authorization code flow with PKCE, from its begin to its end.

What comes back from the provider is held against what was asked for, and by whom: the attempt is taken once, by the
browser that began it, and only then is anything of the answer looked at. A session begins with an identifier of its
own every time, and ends whichever the browser had before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn
from uuid import UUID

from auth.errors import InvalidToken, ProviderUnavailable, Reason, RefusalNotRecorded, SignInRefused
from auth.protocols import Clock, RefusalRecord, RegisteredProfessional
from auth.provider_tokens import read_token
from auth.staff.id_tokens import Awaited, SignedIn, verify_id_token, verify_logout_token
from auth.staff.protocols import Attempt, SessionRow, SessionStore
from auth.staff.provider import OpenIdProvider
from auth.staff.sessions import digest_of, is_identifier, new_identifier
from policies.enquirer import CONSOLE, Assurance

ATTEMPT = timedelta(minutes=10)
"""How long somebody may take at the provider."""
_REMEMBERED_LONGER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt: where to send the browser, and what to let it keep until it comes back."""

    url: str
    browser: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A session: its identifier, for the browser alone, and the path of ours to go on to."""

    identifier: str
    return_to: str


class SignIn:
    """Signs staff in at one provider, for one process.

    Args:
        provider: where.
        store: attempts and sessions.
        refusals: where refusals are recorded (ENQ-3).
        clock: the time, aware and in UTC.
        longest: when a session ends, whatever its use.
    """

    def __init__(
        self,
        provider: OpenIdProvider,
        store: SessionStore,
        refusals: RefusalRecord,
        clock: Clock,
        *,
        longest: timedelta,
    ) -> None:
        self.provider = provider
        self._store = store
        self._refusals = refusals
        self._clock = clock
        self._longest = longest

    async def begin(
        self, return_to: str, browser: str | None, session: bytes | None, *, step_up: bool = False
    ) -> Begun:
        """Begin an attempt.

        Args:
            return_to: the path of ours to end at.
            browser: what the browser keeps of another attempt, in another window: both may come to their end.
            session: the digest of the session that it has.
            step_up: whoever has the session is to prove themselves anew.

        Raises:
            ProviderUnavailable: the provider cannot be asked.
        """
        now = self._clock()
        state, verifier = new_identifier(), new_identifier()
        if browser is None or not is_identifier(browser):
            browser = new_identifier()
        attempt = Attempt(
            state_digest=digest_of(state),
            browser_digest=digest_of(browser),
            nonce=new_identifier(),
            code_verifier=verifier,
            return_to=return_to,
            session_digest=session,
            step_up=step_up,
            started_at=now,
            expires_at=now + ATTEMPT,
        )
        url = await self.provider.authorization_url(
            state=state, nonce=attempt.nonce, code_verifier=verifier, step_up=step_up
        )
        await self._store.begin(attempt)
        return Begun(url, browser)

    async def finish(self, answer: Mapping[str, Sequence[str]], browser: str | None) -> Finished:
        """End the attempt that the provider's ``answer`` is to: the parameters with which the browser came back.

        Raises:
            SignInRefused: there is no session; recorded, where it was an attempt of this browser's at all.
            ProviderUnavailable: the provider cannot be asked; the attempt is gone.
            RefusalNotRecorded: it should be SignInRefused, but that could not be written down.
        """
        now = self._clock()
        state = _only(answer, "state")
        if state is None or browser is None or not is_identifier(state) or not is_identifier(browser):
            raise SignInRefused
        attempt = await self._store.take(digest_of(state), digest_of(browser), now)
        if attempt is None:
            raise SignInRefused
        try:
            signed_in = await self._ask(answer, attempt)
        except InvalidToken as refused:
            await self._refuse(refused.reason)
        professional = await self._store.staff(signed_in.staff)
        before = await self._stepping_up(attempt, signed_in, professional) if attempt.step_up else None
        if professional is None:
            await self._refuse(Reason.INDIVIDUAL_UNKNOWN, person=True)
        if not professional.active:
            await self._refuse(Reason.INDIVIDUAL_SUSPENDED, professional.professional_id, person=True)
        identifier = new_identifier()
        row = self._row(identifier, signed_in, professional.professional_id, before)
        if not await self._store.open(row, attempt):  # it ended a moment ago
            await self._refuse(Reason.SESSION_ENDED, professional.professional_id)
        return Finished(identifier, attempt.return_to)

    async def end_by_provider(self, logout_token: str) -> None:
        """End the sessions that the provider says have ended (OpenID Connect Back-Channel Logout 1.0 section 2.7).

        Raises:
            InvalidToken: of ``verify_logout_token``, or REPLAYED.
            ProviderUnavailable: its keys cannot be had.
        """
        settings = self.provider.settings
        compact, kid, algorithm = read_token(logout_token, settings)
        key = await self.provider.key(kid, algorithm)
        out = verify_logout_token(compact, algorithm, key, settings, self._clock())
        remember_until = out.expires_at + _REMEMBERED_LONGER
        if not await self._store.end_by_provider(settings.issuer, out.jti, remember_until, out.subject, out.sid):
            raise InvalidToken(Reason.REPLAYED)

    async def provider_sign_out(self) -> str | None:
        """Return where the browser may sign out of the provider as well; None where that is not offered."""
        try:
            return (await self.provider.metadata()).end_session_endpoint
        except ProviderUnavailable:
            return None

    async def _ask(self, answer: Mapping[str, Sequence[str]], attempt: Attempt) -> SignedIn:
        """Return who has signed in. Raises InvalidToken and ProviderUnavailable."""
        settings = self.provider.settings
        # Who answers is checked before anything that is said (RFC 9207 section 2.4); also where it was not promised.
        named = "iss" in answer or (await self.provider.metadata()).names_itself
        if named and _only(answer, "iss") != settings.issuer:
            raise InvalidToken(Reason.ISSUER)
        if "error" in answer:
            raise InvalidToken(Reason.PROVIDER_REFUSED)
        code = _only(answer, "code")
        if not code:
            raise InvalidToken(Reason.REQUEST)
        compact, kid, algorithm = read_token(await self.provider.redeem(code, attempt.code_verifier), settings)
        key = await self.provider.key(kid, algorithm)
        now = self._clock()
        since = attempt.started_at if attempt.step_up else None
        if since is None and settings.max_age is not None:
            since = now - settings.max_age
        awaited = Awaited(attempt.nonce, attempt.started_at, since)
        signed_in = verify_id_token(compact, algorithm, key, settings, awaited, now)
        # The age of it was verified above; a level that is only presumed shows no second factor.
        if attempt.step_up and not (signed_in.says_how and signed_in.assurance >= Assurance.AAL2):
            raise InvalidToken(Reason.STEP_UP)
        return signed_in

    async def _stepping_up(
        self, attempt: Attempt, signed_in: SignedIn, professional: RegisteredProfessional | None
    ) -> SessionRow:
        """Return the session that is stepped up, which must be open and of the very person who has just signed in.

        The idle limit is not asked for: whoever took long over their second factor has been there all the while, and
        has shown who they are more surely than a click would.
        """
        professional_id = professional.professional_id if professional else None
        assert attempt.session_digest is not None
        known = await self._store.session(attempt.session_digest)
        if known is None or known.row.ended_at is not None or known.row.expires_at <= self._clock():
            await self._refuse(Reason.SESSION_ENDED, professional_id)
        before = known.row
        same = (before.issuer, before.subject, before.professional_id) == (
            self.provider.settings.issuer,
            signed_in.subject,
            professional_id,
        )
        if not same:  # somebody else sits there, enrolled or not
            await self._store.end(before.professional_id, attempt.session_digest, None, Reason.SUBJECT)
            await self._refuse(Reason.SUBJECT, professional_id)
        return before

    def _row(
        self, identifier: str, signed_in: SignedIn, professional_id: UUID, before: SessionRow | None = None
    ) -> SessionRow:
        """Return a new session, or the one ``before`` with a new identifier: it lasts no longer for that."""
        now = self._clock()
        return SessionRow(
            digest=digest_of(identifier),
            professional_id=professional_id,
            issuer=self.provider.settings.issuer,
            subject=signed_in.subject,
            sid=signed_in.sid,
            assurance=signed_in.assurance,
            authenticated_at=signed_in.authenticated_at,
            stepped_up_at=min(now, signed_in.authenticated_at) if before else None,
            started_at=before.started_at if before else now,
            last_used_at=now,
            expires_at=before.expires_at if before else now + self._longest,
        )

    async def _refuse(self, reason: Reason, professional_id: UUID | None = None, *, person: bool = False) -> NoReturn:
        try:
            await self._refusals.refused(
                kind="sign_in.refused", reason=reason.value, client_id=CONSOLE, professional_id=professional_id
            )
        except Exception as error:
            raise RefusalNotRecorded(type(error).__name__) from error
        raise SignInRefused(person=person)


def _only(answer: Mapping[str, Sequence[str]], name: str) -> str | None:
    """Return a parameter that came just once (RFC 6749 section 3.1)."""
    values = answer.get(name, ())
    return values[0] if len(values) == 1 else None
