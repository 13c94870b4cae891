"""New cards of a plan's customer, entered on its page. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from services.instalments.errors import PlanBusy, PlanNotActive
from services.instalments.rules import partners, plans
from services.instalments.rules.choices import choices
from services.instalments.rules.plans import Shown
from services.instalments.rules.states import InstalmentState


@dataclass(frozen=True, slots=True)
class CardField:
    """What a browser needs to show a PSP's card field. `consent`: the sentence beside it."""

    psp: str
    psp_account: str
    publishable_key: str
    field_url: str
    consent: str = ""


class CardState(Enum):
    """State of a card to be saved, once its customer is back from the bank."""

    SAVED = "saved"
    WAITING = "waiting"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class NewCard:
    """A single-use token of a PSP's field."""

    psp_account: str
    card_token: str = field(repr=False)


def check_takes_cards(shown: Shown, now: datetime) -> None:
    """Checks that a card could sign the plan, or pay part of it.

    Raises PlanOfPartner, PlanBusy, PlanNotActive, PlanInReview, PlanClosed.
    """
    partners.check_own(shown.plan)
    if choices(shown, now).payable:
        return
    if any(part.state is InstalmentState.COLLECTING for part in shown.parts):
        raise PlanBusy
    if shown.plan.activated_at is not None:
        raise PlanNotActive
    plans.check_unsigned(shown.plan, now)
