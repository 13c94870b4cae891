"""What a customer does on a plan's page: sign, pay, save or choose another card, withdraw.

Each runs the same use case as a merchant's call; a bank's challenge returns to the page.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from google.protobuf.message import Message

from libs import idempotency
from libs.db import Conn
from libs.errors import Refusal, RemoteRefusal
from libs.idempotency import Key
from libs.logs import log
from libs.payments.certain import is_certain
from libs.seal import SealBrokenError
from services.instalments.deps import Deps
from services.instalments.documents.wording import wording_of
from services.instalments.errors import PlanNotFound
from services.instalments.flows import financing, page, paying, settling, signing, withdrawing
from services.instalments.flows import plans as plans_flow
from services.instalments.flows.financing import PayByPartner
from services.instalments.flows.page import PlanPage
from services.instalments.flows.paying import PayInstalment, ReplaceInstrument
from services.instalments.flows.settling import SettlePlan
from services.instalments.flows.signing import SignPlan
from services.instalments.flows.withdrawing import WithdrawPlan
from services.instalments.oneclick_client import Attached, consented
from services.instalments.rules import cards, urls
from services.instalments.rules.cards import CardState, NewCard
from services.instalments.rules.plans import Plan
from services.instalments.rules.withdrawal import Withdrawal

RETURN_WITHIN: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SaveCard:
    token: str
    card: NewCard
    ip: str | None


async def save_card(deps: Deps, opened: Plan, cmd: SaveCard, key: Key) -> Attached:
    """Nothing is charged. The consent is stored with the key, as first given: when the form is
    resubmitted, oneclick gets the same request.
    """

    async def agreed(tx: Conn, _: str) -> Message:
        now = deps.clock.now()
        cards.check_takes_cards(await plans_flow.locked(tx, opened.id), now)
        reference = deps.seal.close(f"{cmd.token} {form}")
        return consented(
            opened.customer_id,
            text_version=f"plan-{wording_of(opened.locale).version}",
            accepted_at=now,
            ip=cmd.ip,
            return_url=urls.return_url(deps.public_url, reference),
        )

    form = hashlib.sha256(key.text.encode()).hexdigest()
    kept = await idempotency.once(deps.db, key, opened.id, agreed)
    return await deps.saved_cards.attach(kept.body, cmd.card, key=_saving_key(opened, form))


def _saving_key(plan: Plan, form: str) -> str:
    return f"{plan.id}-{form}"


@dataclass(frozen=True, slots=True)
class SignPage:
    token: str
    instrument_id: str
    agreement_sha256: str
    ip: str | None


async def sign(deps: Deps, opened: Plan, cmd: SignPage, key: Key) -> PlanPage:
    back = _return_url(deps, cmd.token)
    signed = SignPlan(opened.id, cmd.instrument_id, cmd.agreement_sha256, cmd.ip, back)
    await signing.sign_plan(deps, signed, key)
    return await page.get_page(deps, opened)


@dataclass(frozen=True, slots=True)
class PayPageByPartner:
    token: str
    email: str | None


async def pay_by_partner(deps: Deps, opened: Plan, cmd: PayPageByPartner, key: Key) -> PlanPage:
    back = _return_url(deps, cmd.token)
    await financing.pay_by_partner(deps, PayByPartner(opened.id, cmd.email, back), key)
    return await page.get_page(deps, opened)


@dataclass(frozen=True, slots=True)
class PayPage:
    """`number`: None for everything that is left."""

    token: str
    number: int | None
    amount_minor: int
    instrument_id: str | None


async def pay(deps: Deps, opened: Plan, cmd: PayPage, key: Key) -> PlanPage:
    back, card, shown = _return_url(deps, cmd.token), cmd.instrument_id, cmd.amount_minor
    if cmd.number is None:
        await settling.settle_plan(deps, SettlePlan(opened.id, card, shown, back), key)
    else:
        one = PayInstalment(opened.id, cmd.number, card, shown, back)
        await paying.pay_instalment(deps, one, key)
    return await page.get_page(deps, opened)


async def replace_card(deps: Deps, opened: Plan, instrument_id: str) -> PlanPage:
    await paying.replace_instrument(deps, ReplaceInstrument(opened.id, instrument_id))
    return await page.get_page(deps, opened)


@dataclass(frozen=True, slots=True)
class WithdrawPage:
    name: str
    sent_to: str
    confirm: bool


async def withdraw(deps: Deps, opened: Plan, cmd: WithdrawPage) -> tuple[PlanPage, Withdrawal]:
    asked = WithdrawPlan(opened.id, cmd.name, cmd.sent_to, confirm=cmd.confirm)
    _, due = await withdrawing.withdraw(deps, asked)
    return await page.get_page(deps, opened), due


def _return_url(deps: Deps, token: str) -> str:
    """The return URL with the sealed token, so that PSPs and payments do not see the page's URL."""
    return urls.return_url(deps.public_url, deps.seal.close(token))


@dataclass(frozen=True, slots=True)
class PlanReturn:
    """`card`: the outcome of a challenge before a card is saved; None after any other challenge."""

    token: str
    card: CardState | None = None
    challenge_url: str = ""


async def get_return(deps: Deps, reference: str) -> PlanReturn:
    """Raises PlanNotFound."""
    try:
        token, _, form = deps.seal.open(reference, max_age=RETURN_WITHIN).partition(" ")
    except SealBrokenError:
        raise PlanNotFound from None
    if not form:
        return PlanReturn(token)
    opened = await page.open_plan(deps, token)
    try:
        card = await deps.saved_cards.refresh(key=_saving_key(opened, form))
    except Refusal as refusal:
        log.info("card not saved from a plan's page", reason=refusal.reason)
        certain = isinstance(refusal, RemoteRefusal) and is_certain(refusal)
        return PlanReturn(token, CardState.REFUSED if certain else CardState.WAITING)
    if card.challenge_url:
        return PlanReturn(token, CardState.WAITING, card.challenge_url)
    return PlanReturn(token, CardState.SAVED if card.usable else CardState.REFUSED)
