"""SQL of the URLs of plans' pages."""

from typing import Final

from libs.addresses import Addresses
from services.instalments.store.plans import PLANS

ADDRESSES: Final = Addresses("plan_addresses", "plan_id", PLANS)
