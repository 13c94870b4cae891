"""SQL of the URLs of orders' pages."""

from typing import Final

from libs.addresses import Addresses
from services.cod.store.orders import ORDERS

ADDRESSES: Final = Addresses("order_addresses", "order_id", ORDERS)
