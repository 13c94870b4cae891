"""Saved views: the filters of a list under a name, for oneself or for all members."""

from typing import Final

from incasso.merchants.v1 import views_pb2
from libs.errors import invalid
from services.console.page import Html, Page, See, get, post
from services.console.rules.views import known_query
from services.console.saved_views import links_of
from services.console.visit import Visit

AREA: Final = "views"
MANAGES: Final = "members:write"  # the scope to delete what others share


async def listed(visit: Visit) -> Html:
    """All views that the member sees; and one that could not be saved, to be corrected."""
    found = [one for one in await links_of(visit) if one.address or one.own]
    return Html(
        "views.html",
        {
            "found": found,
            "manages": visit.who.holds(MANAGES),
            "changed": visit.request.match_info.get("view_id", ""),
            "refused": visit.typed("path") and visit.typed("query"),
        },
    )


async def save(visit: Visit) -> See:
    """Saves the filters shown, replacing a view of the same name; then returns to the list."""
    path = visit.typed("path")
    page = visit.lists.at(path)
    query = known_query(visit.typed("query"), page.filters) if page is not None else ""
    if not query:
        raise invalid("name", visit.word("nothing_to_save"))
    request = views_pb2.SaveViewRequest(
        path=path, name=visit.typed("name"), query=query, shared=visit.typed("shared") == "yes"
    )
    known = (one.view for one in await links_of(visit, path) if one.own)
    before = next((view for view in known if view.name == request.name), None)
    await visit.change(request, subject=before.id if before is not None else "", before=before)
    return See(f"{path}?{query}", notice="view_saved")


async def change(visit: Visit) -> See:
    """Changes a view's name, and who sees it."""
    request = views_pb2.UpdateViewRequest(
        view_id=visit.part("view_id"),
        name=visit.typed("name"),
        shared=visit.typed("shared") == "yes",
    )
    await visit.change(request, subject=request.view_id, before=await _before(visit))
    return See("/views", notice="view_changed")


async def delete(visit: Visit) -> See:
    request = views_pb2.DeleteViewRequest(view_id=visit.part("view_id"))
    await visit.change(request, subject=request.view_id, before=await _before(visit))
    return See("/views", notice="view_deleted")


async def _before(visit: Visit) -> views_pb2.SavedView | None:
    """The view named in the path, if the member sees it; the service refuses others."""
    found = (one.view for one in await links_of(visit) if one.view.id == visit.part("view_id"))
    return next(found, None)


LIST: Final = "merchants.ListViews"
PAGES: Final[tuple[Page, ...]] = (
    get("/views", listed, AREA, LIST),
    post("/views", save, AREA, LIST, "merchants.SaveView", again=listed),
    post("/views/{view_id}", change, AREA, LIST, "merchants.UpdateView", again=listed),
    post("/views/{view_id}/delete", delete, AREA, LIST, "merchants.DeleteView", again=listed),
)
