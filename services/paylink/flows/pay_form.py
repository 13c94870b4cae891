"""A page's offer, sealed into its form: only what was offered can be paid.

The gateway stores nothing and has no key; the form is opened here or refused.
"""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Final

from libs.idempotency import Key
from libs.seal import SealBrokenError
from services.paylink.deps import Deps
from services.paylink.errors import OfferBroken
from services.paylink.rules.domain import Link

GOOD_FOR: Final = timedelta(days=1)  # an older page is shown again
_PURPOSE: Final = "pay form 1 "  # tells it from our other sealed texts


@dataclass(frozen=True, slots=True)
class Offer:
    """`psp_account`: whose card field the page shows; empty if it shows none."""

    link_id: str
    form_key: str
    due_minor: int
    psp_account: str


def sealed(deps: Deps, offer: Offer) -> str:
    return deps.seal.close(_PURPOSE + json.dumps(asdict(offer)))


def opened(deps: Deps, text: str, link: Link, key: Key) -> Offer:
    """The offer of this link's page with this form key. Raises OfferBroken."""
    try:
        content = deps.seal.open(text, max_age=GOOD_FOR)
    except SealBrokenError as error:
        raise OfferBroken from error
    if not content.startswith(_PURPOSE):
        raise OfferBroken
    offer = Offer(**json.loads(content.removeprefix(_PURPOSE)))
    if (offer.link_id, offer.form_key) != (link.id, key.text):
        raise OfferBroken
    return offer
