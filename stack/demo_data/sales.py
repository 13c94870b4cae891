"""A day's sales by saved card, by link and from carts; some fail, some are refunded, one is
disputed.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from stack.demo_data.front import NAME, Front
from stack.demo_data.people import GOODS, PEOPLE, Person
from stack.link_journeys import QUOTE, VISA
from stack.payer import Payer

REGULARS: Final = 16  # customers with a saved card
# One in this many.
DECLINED, REFUNDED, UNDONE, HELD = 9, 11, 40, 23
CHALLENGED_CARD, BAD_CARDS = "tok_3ds", ("tok_insufficient_funds", "tok_declined")
TOKENS: Final = ("tok_visa", "tok_visa", "tok_mastercard")
ACCOUNTS: Final = ("sandbox-a", "sandbox-a", "sandbox-a", "sandbox-b")
UNPAID: Final = ("left", "opened", "cancelled", "left")


@dataclass(frozen=True, slots=True)
class Customer:
    id: str
    person: Person


async def regulars(front: Front) -> Sequence[Customer]:
    """New customers, each with a working card."""
    found = []
    for number, person in enumerate(PEOPLE[:REGULARS]):
        token, account = TOKENS[number % len(TOKENS)], ACCOUNTS[number % len(ACCOUNTS)]
        customer_id = await front.customer(token, account, email=person.email, name=person.name)
        found.append(Customer(customer_id, person))
    return found


async def card_sale(front: Front, chance: random.Random, customer: Customer) -> None:
    goods, price = chance.choice(GOODS)
    quantity = chance.choice((1, 1, 1, 2))
    amount = price * quantity
    if chance.randrange(DECLINED) == 0:
        person, token = customer.person, chance.choice(BAD_CARDS)
        failing = await front.customer(token, email=person.email, name=person.name)
        (await front.one_click(failing, amount)).expect(201)
        return
    held = chance.randrange(HELD) == 0
    more: dict[str, Any] = {"metadata": {"goods": goods}}
    if held:
        more["capture"] = "manual"
    payment = (await front.one_click(customer.id, amount, **more)).expect(201)
    path = f"/v1/payments/{payment['id']}"
    if held:
        await front.write(f"{path}/{chance.choice(('capture', 'capture', 'cancel'))}")
    elif payment["state"] == "captured" and chance.randrange(REFUNDED) == 0:
        part = {
            "amount": {"amount_minor": price // 2, "currency": "EUR"},
            "reason": "Reso parziale",
        }
        await front.write(f"{path}/refund", part if chance.random() < 0.5 else {"reason": "Reso"})  # noqa: PLR2004 - half of them


async def waiting_challenge(front: Front, customer: Customer) -> None:
    """The bank asks for a challenge that stays unanswered."""
    person = customer.person
    asked = await front.customer(CHALLENGED_CARD, email=person.email, name=person.name)
    (await front.one_click(asked, 15_900, return_url=f"{front.url}/healthz/live")).expect(201)


async def disputed(front: Front, payment_id: str, *, outcome: str | None = None) -> None:
    """The customer's bank disputes the payment; with an outcome, the dispute is closed."""
    payment = await front.get(f"/v1/payments/{payment_id}")
    about = {"charge_id": payment["psp_reference"]}
    dispute = await front.outside("POST", "/control/disputes", about)
    if outcome:
        path = f"/control/disputes/{dispute['id']}/close"
        await front.outside("POST", path, {"outcome": outcome})


async def link_sale(front: Front, chance: random.Random, *, number: int) -> None:
    """Creates a link. Two in three are paid; the others are left alone, opened or cancelled."""
    person, (goods, price) = chance.choice(PEOPLE), chance.choice(GOODS)
    by_phone = number % 3 == 1
    recipient = {
        "name": person.name,
        **({"phone": person.phone} if by_phone else {"email": person.email}),
    }
    more: dict[str, Any] = {"quote": QUOTE} if number % 5 == 0 else {}
    link = await _link(
        front, price, description=goods, recipient=recipient, locale="it",
        channels=["sms" if by_phone else "email"], expires_in_days=chance.choice((3, 7, 30)), **more,
    )  # fmt: skip  # one call
    if number % 3:
        await _pay(front, link)
        return
    match UNPAID[number // 3 % len(UNPAID)]:
        case "opened":
            await Payer(front.http, front.sandbox_url).open(link["url"])
        case "cancelled":
            await front.write(f"/v1/payment-links/{link['id']}/cancel")


async def _link(front: Front, amount_minor: int, **more: Any) -> Any:
    return (await front.link(amount_minor, **more)).expect(201)


async def _pay(front: Front, link: Any) -> None:
    payer = Payer(front.http, front.sandbox_url, "it")
    page = await payer.open(link["url"])
    if page.view == "quote":
        page = await payer.accept_quote(page)
    await payer.pay(page, VISA)


async def shared_link(front: Front) -> None:
    """A reusable link that several shoppers pay."""
    link = await _link(front, 2_500, description="Corso di ceramica", reusable=True, max_uses=12)
    for _ in range(3):
        await _pay(front, link)


async def transfer_sale(front: Front, chance: random.Random, *, named: bool) -> None:
    """A link paid by bank transfer; one without the reference is left to reconciliation."""
    person, (goods, price) = chance.choice(PEOPLE), chance.choice(GOODS)
    link = await _link(front, price, description=goods, methods=["bank_transfer"], locale="it")
    payer = Payer(front.http, front.sandbox_url, "it")
    page = await payer.open(link["url"])
    await payer.submit(page, page.form("/announce-transfer"))
    purpose = (
        {"reference": link["creditor_reference"]} if named else {"text": f"Saldo {goods.lower()}"}
    )
    order = {"iban": front.iban, "name": NAME, "amount_minor": price}
    await front.outside("POST", "/bank/transfers", order | purpose | {"debtor_name": person.name})


async def cart(front: Front, chance: random.Random, *, number: int) -> None:
    """A cart that is abandoned, bought in the shop after all, or recovered by a link."""
    person, (goods, price) = chance.choice(PEOPLE), chance.choice(GOODS)
    line = {"name": goods, "quantity": chance.choice((1, 2)), "unit_amount_minor": price}
    body = {
        "reference": f"cart-{front.next_order()}",
        "recipient": {"name": person.name, "email": person.email},
        "line_items": [line],
        "locale": "it",
        "recover_after_minutes": 60,
    }
    made = await front.write("/v1/carts", body)
    match number % 4:
        case 0:
            await front.write(f"/v1/carts/{made['id']}/complete")
        case 1 | 2:
            await _pay(front, await front.write(f"/v1/carts/{made['id']}/recover"))


async def products(front: Front) -> None:
    """Creates the products of the one-page shop."""
    for position, (name, price) in enumerate(GOODS[:6]):
        about = {
            "name": name,
            "price": {"amount_minor": price, "currency": "EUR"},
            "position": position,
        }
        await front.write("/v1/products", about)
