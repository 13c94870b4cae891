"""Which exemption from strong customer authentication to request.

Delegated Regulation (EU) 2018/389: article 16 (low value), article 18 (transaction risk);
merchant-initiated charges on a mandate are out of its scope. An exemption is a request: after a
soft decline the same charge is sent with a challenge.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from libs.money import Money
from services.payments.rules.states import Exemption, Initiator, TraBand

CURRENCY: Final = "EUR"  # the thresholds are in euro
LOW_VALUE_MINOR: Final = 30_00
LOW_VALUE_SUM_MINOR: Final = 100_00
LOW_VALUE_PAYMENTS: Final = 5
TRA_LIMITS_MINOR: Final[Mapping[TraBand, int]] = {
    TraBand.NONE: 0,
    TraBand.UP_TO_0_13: 100_00,
    TraBand.UP_TO_0_06: 250_00,
    TraBand.UP_TO_0_01: 500_00,
}


@dataclass(frozen=True, slots=True)
class History:
    """Exempted payments on the instrument since the shopper's last challenge."""

    payments: int
    amount_minor: int


def exemption(
    amount: Money,
    *,
    initiator: Initiator,
    history: History | None,
    band: TraBand,
    single_use: bool = False,
) -> Exemption:
    """`history` None: unknown, so low value is not requested.

    `single_use`: the token is valid for one charge. After a soft decline nothing could be sent
    again, so no exemption is requested; the issuer challenges right away if it wants to.
    """
    if initiator is Initiator.MERCHANT:
        return Exemption.MIT
    if single_use or amount.currency != CURRENCY:
        return Exemption.NONE
    if history is not None and _is_low_value(amount.amount_minor, history):
        return Exemption.LOW_VALUE
    if amount.amount_minor <= TRA_LIMITS_MINOR[band]:
        return Exemption.TRA
    return Exemption.NONE


def _is_low_value(amount_minor: int, history: History) -> bool:
    """Includes this payment, and checks both counters, since the issuer chooses which one it
    uses.
    """
    return (
        amount_minor <= LOW_VALUE_MINOR
        and history.amount_minor + amount_minor <= LOW_VALUE_SUM_MINOR
        and history.payments + 1 <= LOW_VALUE_PAYMENTS
    )
