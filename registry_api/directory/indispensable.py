"""Who and what the authority cannot be without: the last that stands is neither suspended nor changed, by whomever.

Without an agreement of its own nobody of the authority could do anything, not even mend that; without a safeguarding
manager nobody could decide considerations, open restricted records or, at the last, keep the directory. Whoever has to
go at once is suspended as soon as a successor is enrolled.
"""

from datetime import date

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from policies.enquirer import Purpose, Role
from registry_api.directory.models import DataSharingAgreement, Organisation, Professional
from registry_api.directory.recording import ImpossibleChange
from registry_api.directory.rules import Obstacle


async def agreement(session: AsyncSession, kept: DataSharingAgreement, today: date) -> None:
    """Raise ImpossibleChange where this is the only agreement under which the authority itself works today."""
    standing = (
        select(DataSharingAgreement.id, DataSharingAgreement.purposes)
        .join(Organisation, col(Organisation.id) == col(DataSharingAgreement.organisation_id))
        .where(
            col(Organisation.own_authority),
            col(DataSharingAgreement.suspended_at).is_(None),
            DataSharingAgreement.valid_from <= today,
            DataSharingAgreement.valid_to >= today,
        )
    )
    if [one for one, purposes in await session.exec(standing) if Purpose.CASEWORK in purposes] == [kept.id]:
        raise ImpossibleChange(Obstacle.OWN_AGREEMENT_NEEDED)


async def manager(session: AsyncSession, kept: Professional) -> None:
    """Raise ImpossibleChange where this is the only safeguarding manager who is not suspended."""
    standing = select(Professional.id).where(
        Professional.role == Role.SAFEGUARDING_MANAGER, col(Professional.suspended_at).is_(None)
    )
    if (await session.exec(standing)).all() == [kept.id]:
        raise ImpossibleChange(Obstacle.LAST_SAFEGUARDING_MANAGER)
