"""Offers of instalments as the service words them."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from incasso.common.v1.money_pb2 import Money
from incasso.common.v1.offer_pb2 import InstalmentOffer, InstalmentPart
from incasso.instalments.v1.instalments_pb2 import ListInstalmentOffersResponse

FIRST: Final = date(2026, 11, 26)
WARNING: Final = {
    "en": "Caution! Borrowing money costs money",
    "it": "Attenzione! Prendere in prestito denaro costa denaro",
}
EXAMPLE: Final = {
    "en": "Representative example: total amount of credit €160.00; 4 instalments of €41.25 every month, "
    "from 26 November 2026 to 26 February 2027; fixed borrowing rate 0.00%; APR 28.51%; total cost of "
    "the credit €5.00; total amount payable €165.00.",
    "it": "Esempio rappresentativo: importo totale del credito 160,00 €; 4 rate da 41,25 € ogni mese, dal "
    "26 novembre 2026 al 26 febbraio 2027; tasso debitore fisso 0,00%; TAEG 28,51%; costo totale del "
    "credito 5,00 €; importo totale dovuto 165,00 €.",
}
DEFERRAL_LAW: Final = {
    "en": "Deferred payment granted by the seller, without interest and without any other cost: it is not "
    "consumer credit (art. 122).",
    "it": "Dilazione di pagamento concessa dal venditore, senza interessi e senza altri costi: non è un "
    "credito ai consumatori (art. 122).",
}
CREDIT_LAW: Final = {
    "en": "Consumer credit agreement (art. 121).",
    "it": "Contratto di credito ai consumatori (art. 121).",
}


def deferral(lang: str = "en", amount_minor: int = 160_00) -> InstalmentOffer:
    """Three payments, 15 days apart, without cost."""
    third, rest = divmod(amount_minor, 3)
    amounts = [third, third, third + rest]
    return InstalmentOffer(
        terms_id="trm_default",
        name="3 payments in 30 days",
        available=True,
        label=f"3 × {_euro(third + rest, lang)}",
        payments=3,
        schedule=_schedule(amounts, [FIRST + timedelta(days=15 * at) for at in range(3)]),
        total=_money(amount_minor),
        taeg="0.00",
        legal_class=InstalmentOffer.LEGAL_CLASS_DEFERRAL,
        legal_sentence=DEFERRAL_LAW[lang],
    )


def credit(lang: str = "en", payments: int = 4) -> InstalmentOffer:
    """Payments of 40.00 with a fee of 1.25 each, which makes them credit by law."""
    return InstalmentOffer(
        terms_id="trm_credit",
        name="A long name of terms that the merchant has chosen for them",
        available=True,
        label=f"{payments} × {_euro(41_25, lang)}",
        payments=payments,
        schedule=_schedule([40_00] * payments, _months(payments), fee=1_25),
        total=_money(41_25 * payments),
        cost_minor=1_25 * payments,
        taeg="28.51",
        legal_class=InstalmentOffer.LEGAL_CLASS_CREDIT,
        legal_sentence=CREDIT_LAW[lang],
        warning=WARNING[lang],
        representative_example=EXAMPLE[lang],
    )


def too_small() -> InstalmentOffer:
    return InstalmentOffer(
        terms_id="trm_default", reason="minimum_amount", threshold=_money(150_00), payments=3
    )


def offers(shop: Any, *found: InstalmentOffer) -> None:
    """Sets what the service answers from now on."""
    shop.services.answers["ListInstalmentOffers"] = ListInstalmentOffersResponse(data=found)


def _months(n: int) -> Sequence[date]:
    months = (FIRST.month - 1 + at for at in range(n))
    return [date(FIRST.year + month // 12, month % 12 + 1, FIRST.day) for month in months]


def _schedule(
    principal: Sequence[int], days: Sequence[date], fee: int = 0
) -> Sequence[InstalmentPart]:
    return [
        InstalmentPart(
            number=at + 1,
            due_on=day.isoformat(),
            principal_minor=minor,
            fee_minor=fee,
            amount_minor=minor + fee,
        )
        for at, (minor, day) in enumerate(zip(principal, days, strict=True))
    ]


def _euro(minor: int, lang: str) -> str:
    major, cents = divmod(minor, 100)
    return f"€{major}.{cents:02}" if lang == "en" else f"{major},{cents:02}\xa0€"


def _money(minor: int) -> Any:
    return Money(amount_minor=minor, currency="EUR")
