"""The gRPC servicer of instalments: which flow serves each RPC."""

from typing import Final

from incasso.common.v1 import offer_pb2
from incasso.instalments.v1 import instalments_pb2 as pb
from libs import pages, servicer, wire
from libs.pages import Listed
from services.instalments.deps import Deps
from services.instalments.errors import QuoteNotFound
from services.instalments.events import method_pb, quote_pb, terms_pb
from services.instalments.flows import offers, settings, terms
from services.instalments.flows.offers import ListOffers
from services.instalments.rules.quotes import Quote
from services.instalments.rules.terms import Terms, TermsState
from services.instalments.store.quotes import QUOTES

_STATES: Final = wire.members(TermsState, pb.InstalmentTerms.State)


async def _list_terms(deps: Deps, request: pb.ListInstalmentTermsRequest) -> Listed[Terms]:
    state = _STATES.get(request.state) if request.HasField("state") else None
    return await terms.list_terms(deps, pages.asked(request, "trm"), state)


async def _get_offer(deps: Deps, request: pb.GetOfferRequest) -> offer_pb2.Offer:
    cart = request.cart
    wanted = ListOffers(
        amount_minor=cart.amount.amount_minor,
        currency=cart.amount.currency,
        country=cart.country or None,
        categories=tuple(cart.categories),
    )
    return method_pb(await offers.list_offers(deps, wanted))


InstalmentOffers: Final = servicer.of(
    "incasso.instalments.v1.InstalmentOffersService",
    shows={Quote: quote_pb, Terms: terms_pb},
    GetInstalmentSettings=settings.get_settings,
    UpdateInstalmentSettings=settings.update_settings,
    CreateInstalmentTerms=terms.create_terms,
    GetInstalmentTerms=terms.get_terms,
    ListInstalmentTerms=_list_terms,
    ArchiveInstalmentTerms=terms.archive_terms,
    ListInstalmentOffers=offers.list_offers,
    CreateInstalmentQuote=offers.create_quote,
    GetInstalmentQuote=servicer.Row(QUOTES, QuoteNotFound),
    GetOffer=_get_offer,
)
