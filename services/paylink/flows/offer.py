"""Whether a link can be offered for a cart: always, the merchant sends it."""

from typing import Final

from libs.display import language_of
from services.paylink.deps import Deps

_LABELS: Final = {"it": "Paga con link", "en": "Pay by link"}


async def get_offer(deps: Deps) -> str:
    """The label to show, in the merchant's language."""
    merchant = await deps.merchants.get()
    return _LABELS[language_of(merchant.locale)]
