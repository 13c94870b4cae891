"""Saved views: as links to the lists that they narrow, and the bar above a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from incasso.merchants.v1 import views_pb2
from libs.errors import Refusal
from libs.logs import log
from services.console import texts
from services.console.page import Page
from services.console.rules.views import known_query, query_of
from services.console.visit import Visit

MOST_IN_BAR: Final = 12
_REPORT: Final = "/reports/"


@dataclass(frozen=True, slots=True)
class Link:
    """`title`: the list's name. `query`: the saved filters that the list still has. `address` is ""
    if the list no longer exists, or is not open to this member's role.
    """

    view: views_pb2.SavedView
    title: str
    query: str
    address: str
    own: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """`query`: the current filters. `names`: those of the member's own views, to replace one."""

    path: str
    query: str
    links: Sequence[Link]
    names: Sequence[str]

    @property
    def shown(self) -> Sequence[Link]:
        return self.links[:MOST_IN_BAR]

    @property
    def is_saved(self) -> bool:
        return any(one.query == self.query for one in self.links)


async def links_of(visit: Visit, path: str = "") -> list[Link]:
    """The views that the member sees, or those of the list at this path. Raises Refusal."""
    answer = await visit.ask(views_pb2.ListViewsRequest(path=path or None))
    return [_link(visit, view) for view in answer.data]


async def bar_of(visit: Visit, page: Page) -> Bar:
    """The member's own views come first. A list is shown even if its views cannot be loaded."""
    path = visit.request.path
    asked = {name: visit.asked(name) for name in page.filters}
    try:
        found = [one for one in await links_of(visit, path) if one.query]
    except Refusal as refusal:
        log.info("saved views are not shown", error=refusal.reason)
        found = []
    found.sort(key=lambda one: not one.own)
    names = [one.view.name for one in found if one.own]
    return Bar(path, query_of(asked, page.filters), found, names)


def _link(visit: Visit, view: views_pb2.SavedView) -> Link:
    page = visit.lists.at(view.path)
    own = visit.who.membership is not None and view.member_id == visit.who.membership.member_id
    if page is None:
        return Link(view, "", "", "", own)
    query = known_query(view.query, page.filters)
    address = f"{view.path}?{query}" if page.scopes <= visit.who.scopes else ""
    return Link(view, title_of(page, view.path, visit.language), query, address, own)


def title_of(page: Page, path: str, language: str) -> str:
    """The name of the list at this path; for a report, the report's name."""
    if path.startswith(_REPORT):
        name = path.removeprefix(_REPORT)
        return texts.words("reports", language).get(f"report_{name}", name)
    return texts.words("views", language)[f"list{page.path.replace('/', '_')}"]
