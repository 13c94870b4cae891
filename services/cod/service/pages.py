"""The gRPC servicer for shoppers: the token of an order's page is the only credential.

Flows that take the Order are called after it was opened: from then on the call acts for its merchant,
and its idempotency key is one of that merchant's.
"""

from typing import Final

from incasso.cod.v1 import pages_pb2 as pb
from incasso.common.v1 import merchant_pb2
from libs import servicer, wire
from services.cod.flows import page
from services.cod.flows.page import CodPage
from services.cod.order_events import deposit_pb
from services.cod.rules import converting, online_refunds
from services.cod.rules.orders import Order
from services.cod.rules.page import code_sent_to


def page_pb(found: CodPage) -> pb.CodPage:
    """Only the fields named here and in the message: holders of the URL may see nothing else of an
    order.
    """
    order = converting.shown(found.order)
    return wire.message(
        pb.CodPage,
        order,
        total_minor=order.total_minor,
        town=order.address.town,
        courier=found.courier.name,
        tracking_numbers=[parcel.tracking_number for parcel in order.parcels],
        online_minor=converting.online_minor(order),
        deposit=deposit_pb(found.order),
        paid_online_minor=online_refunds.instead_minor(order),
        code_sent_to=code_sent_to(order),
        merchant=wire.message(merchant_pb2.ShownMerchant, found.merchant),
        form_key=found.form_key,
        refunds=[wire.message(pb.CodPageRefund, refund) for refund in found.refunds],
    )


CodPages: Final = servicer.of(
    "incasso.cod.v1.CodPagesService",
    shows={CodPage: page_pb},
    given={Order: page.open_order},
    GetCodOrderAddress=page.get_address,
    GetCodPage=page.get_page,
    ConfirmCodPage=page.confirm,
    SendCodPageCode=page.send_code,
    PayCodPageOnline=page.pay_online,
    PayCodPageDeposit=page.pay_deposit,
    SetCodPageRefundAccount=page.name_account,
)
