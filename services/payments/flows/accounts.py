"""A merchant's PSP accounts, routing rules and payment policy."""

from collections.abc import Sequence
from dataclasses import dataclass

from libs import context, outbox
from libs.logs import log
from libs.money import Money
from services.payments import errors, events
from services.payments.deps import Deps
from services.payments.flows.create import in_order
from services.payments.rules import velocity
from services.payments.rules.orders import PaymentPolicy
from services.payments.rules.routing import Question, Routing, check
from services.payments.rules.states import TraBand
from services.payments.store import accounts
from services.payments.store import velocity as velocity_store
from services.payments.store.accounts import PspAccount


@dataclass(frozen=True, slots=True)
class CreatePspAccount:
    name: str
    psp: str
    credentials: str


@dataclass(frozen=True, slots=True)
class ShownAccount:
    """With the browser's data for the PSP's field; "" if it has none."""

    account: PspAccount
    publishable_key: str
    field_url: str


async def create_psp_account(deps: Deps, cmd: CreatePspAccount) -> ShownAccount:
    """The credentials file also states the account's fraud band (`tra_band`), if it has one."""
    if not deps.psps.knows(cmd.psp):
        raise errors.PspUnknown
    stated = deps.psps.credentials(cmd.credentials).get("tra_band", TraBand.NONE.value)
    try:
        band = TraBand(stated)
    except ValueError as error:
        raise errors.CredentialsMissing("tra_band must be none, 0.13, 0.06 or 0.01.") from error
    account = PspAccount(
        merchant_id=context.merchant_id(),
        id=deps.new_id("psa"),
        name=cmd.name,
        psp=cmd.psp,
        credentials=cmd.credentials,
        tra_band=band,
        created_at=deps.clock.now(),
    )
    deps.psps.connector(account)  # raises CredentialsMissing if an entry is missing
    async with deps.db.transaction() as tx:
        if not await accounts.insert(tx, account):
            raise errors.PspAccountExists
        await outbox.append(tx, events.psp_account_created(account, account.created_at))
    deps.routing_cache.invalidate(account.merchant_id)
    return _shown(deps, account)


async def list_psp_accounts(deps: Deps) -> Sequence[ShownAccount]:
    async with deps.db.connection() as conn:
        found = await accounts.list_all(conn, context.merchant_id())
    return [_shown(deps, account) for account in found]


async def list_psp_webhook_arrivals(deps: Deps) -> Sequence[accounts.PspWebhookArrivals]:
    return await deps.db.run(accounts.webhook_arrivals, context.merchant_id())


def _shown(deps: Deps, account: PspAccount) -> ShownAccount:
    try:
        publishable_key, field_url = deps.psps.connector(account).field
    except errors.CredentialsMissing:
        log.error("credentials are missing", psp_account=account.name)
        return ShownAccount(account, "", "")
    return ShownAccount(account, publishable_key, field_url)


async def get_card_field(
    deps: Deps, *, amount: Money, method: str, velocity_subjects: Sequence[str]
) -> ShownAccount:
    """The account whose field a page shows: nothing is known about the card yet.

    Raises TooManyDeclines, since a card entered there would be refused, and NoPspAccount.
    """
    merchant_id, subjects = (
        context.merchant_id(),
        velocity.limited_subjects(velocity_subjects, instrument_id=""),
    )
    async with deps.db.connection() as conn:
        subject = await velocity_store.barred(conn, merchant_id, subjects, deps.clock.now())
    if subject is not None:
        raise errors.TooManyDeclines(velocity.kind_of(subject))
    routed = await deps.routing_cache.of(merchant_id)
    fields = {account.name: _shown(deps, account) for account in routed.accounts}
    able = [name for name, field in fields.items() if field.field_url]
    question = Question(amount, method, brand="", country="")
    names = in_order(deps, routed, question, able=able)
    if not names:
        raise errors.NoPspAccount(
            "No PSP account that routing chooses for this payment has a card field."
        )
    return fields[names[0]]


async def get_routing(deps: Deps) -> Routing:
    async with deps.db.connection() as conn:
        return Routing(await accounts.rules(conn, context.merchant_id()))


async def update_routing(deps: Deps, routing: Routing) -> Routing:
    """Raises InvalidArgument and PspAccountNotFound."""
    check(routing)
    merchant_id = context.merchant_id()
    async with deps.db.transaction() as tx:
        known = {account.name for account in await accounts.list_all(tx, merchant_id)}
        if not known.issuperset(t.psp_account for rule in routing.rules for t in rule.targets):
            raise errors.PspAccountNotFound
        await accounts.save_rules(tx, merchant_id, routing.rules, now=deps.clock.now())
    deps.routing_cache.invalidate(merchant_id)
    return routing


async def get_payment_policy(deps: Deps) -> PaymentPolicy:
    async with deps.db.connection() as conn:
        return PaymentPolicy(await accounts.policy(conn, context.merchant_id()))


async def update_payment_policy(deps: Deps, payment_policy: PaymentPolicy) -> PaymentPolicy:
    merchant_id, wanted = context.merchant_id(), payment_policy.duplicate_orders
    async with deps.db.connection() as conn:
        await accounts.save_policy(conn, merchant_id, wanted, now=deps.clock.now())
    deps.routing_cache.invalidate(merchant_id)
    return payment_policy
