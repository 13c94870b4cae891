"""The gRPC servicer of saved views."""

from typing import Final

from libs import servicer
from services.merchants.flows import views

Views: Final = servicer.of(
    "incasso.merchants.v1.ViewsService",
    SaveView=views.save_view,
    UpdateView=views.update_view,
    DeleteView=views.delete_view,
    ListViews=views.list_views,
)
