"""The gRPC door of instalments: what is called for each RPC."""

from typing import Final

from libs import door
from services.instalments.flows import settings

InstalmentOffers: Final = door.of(
    "incasso.instalments.v1.InstalmentOffersService",
    GetInstalmentSettings=settings.get_settings,
    UpdateInstalmentSettings=settings.update_settings,
)
