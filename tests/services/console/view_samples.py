"""Saved views, as merchants answers them in the console's tests."""

from typing import Any

from incasso.merchants.v1 import views_pb2
from tests.services.console.samples import MEMBER_ID, stamp

VIEW_ID = "viw_06f2kz0d1x8q5v7m3n4b6c9a2e"


def saved_view(**more: Any) -> views_pb2.SavedView:
    values = {
        "id": VIEW_ID,
        "member_id": MEMBER_ID,
        "member_name": "Anna Bianchi",
        "path": "/payments",
        "name": "Paid with Visa",
        "query": "state=captured&last4=4242",
        "shared": False,
        "created_at": stamp(),
        "changed_at": stamp(),
        **more,
    }
    return views_pb2.SavedView(**values)


VIEWS = (
    saved_view(
        id="viw_2",
        name="Declined <today>",
        member_id="mem_2",
        member_name="Luca",
        query="state=declined",
        shared=True,
    ),
    saved_view(),
    saved_view(id="viw_3", name="Dollars", path="/reports/instalment_ageing", query="currency=USD"),
    saved_view(id="viw_4", name="From before", path="/no/such/list", query="state=paid"),
)


def listed_views(request: views_pb2.ListViewsRequest) -> views_pb2.ListViewsResponse:
    found = [view for view in VIEWS if request.path in ("", view.path)]
    return views_pb2.ListViewsResponse(data=found)
