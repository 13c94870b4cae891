"""Saved views in the console: above their list, in the search, safe to follow."""

import re
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest

from incasso.merchants.v1 import views_pb2
from libs.errors import Kind, RemoteRefusal
from libs.roles import Role
from services.console.page import Lists, Page
from services.console.routes import PAGES
from services.console.rules.views import known_query, query_of
from services.console.saved_views import title_of
from tests.services.console.conftest import Console
from tests.services.console.paths import PATHS
from tests.services.console.view_samples import VIEW_ID, saved_view

LISTS = [page for page in PAGES if page.filters]
# Lists whose filters are not saved: people come here to set something up, or from the object itself.
UNKEPT = {
    "/settings/terms",
    "/settings/couriers",
    "/settings/webhooks/{endpoint_id}",
    "/cod/remittances/{remittance_id}",
}
FORM = re.compile(r'<form class="(?:find|filters)" method="get".*?</form>', re.DOTALL)
NAV = re.compile(r'<nav class="filters".*?</nav>', re.DOTALL)
FIELD = re.compile(r'<(?:input|select)[^>]* name="([^"]+)"')
LINK = re.compile(r'href="([^"]+)"')


def path_of(page: Page) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: PATHS[found[1]], page.path)


def offered(html: str, path: str) -> set[str]:
    """Query parameters by which the page can filter its list at this path."""
    found = {name for form in FORM.findall(html) for name in FIELD.findall(form)}
    for link in (link for nav in NAV.findall(html) for link in LINK.findall(nav)):
        parts = urlsplit(unescape(link))
        if parts.path == path:
            found |= {name for name, _ in parse_qsl(parts.query)}
    return found


@pytest.mark.parametrize(
    "page", [p for p in PAGES if not p.changes and not p.is_file], ids=lambda page: page.path
)
async def test_every_filter_that_a_list_offers_can_be_saved_in_a_view(console: Console, page: Page):
    path = path_of(page)
    found = offered(await console.page(path), path)
    if page.path in UNKEPT:
        assert found
        return
    assert found <= set(page.filters), f"say so in `filters` of {page.path}"


@pytest.mark.parametrize("page", LISTS, ids=lambda page: page.path)
@pytest.mark.parametrize("language", ["en", "it"])
def test_every_list_with_views_has_a_name(page: Page, language: str):
    path = path_of(page)
    assert title_of(page, path, language) not in ("", path)
    assert Lists(PAGES).at(path) is page


async def test_views_are_shown_with_their_list_and_the_current_one_is_marked(console: Console):
    html = await console.page("/payments?last4=4242&state=captured&cursor=x&notice=view_saved")
    bar = html[html.index('aria-label="Saved views"') :]
    assert 'href="/payments?state=captured&amp;last4=4242" aria-current="true"' in bar
    assert "Declined &lt;today&gt;" in bar
    assert "Dollars" not in html
    assert "Save this view" not in html
    assert console.services.last("ListViews").request.path == "/payments"


async def test_the_form_to_save_a_view_omits_paging_and_empty_filters(console: Console):
    html = await console.page("/payments?state=refunded&cursor=x&last4=")
    assert 'name="query" value="state=refunded"' in html
    assert "Save this view" not in await console.page("/payments?cursor=x")


async def test_a_report_has_its_views(console: Console):
    html = await console.page("/reports/instalment_ageing")
    assert 'href="/reports/instalment_ageing?currency=USD"' in html


async def test_a_viewer_saves_a_view_and_returns_to_its_list(console: Console):
    console.act_as(Role.VIEWER)
    sent = {
        "path": "/payments",
        "query": "last4=1&state=refunded&cursor=x&next=https://evil.example",
        "name": "Refunded",
        "shared": "yes",
    }
    status, place, _ = await console.post("/views", sent)
    assert (status, place) == (303, "/payments?state=refunded&last4=1&notice=view_saved")
    asked = console.services.last("SaveView").request
    assert (asked.path, asked.query) == ("/payments", "state=refunded&last4=1")
    assert (asked.name, asked.shared) == ("Refunded", True)
    assert console.services.last("RecordIntent").request.action == "merchants.SaveView"


async def test_the_audit_log_has_the_previous_state_of_a_view(console: Console):
    same = {"path": "/payments", "query": "state=refunded", "name": "Paid with Visa"}
    await console.post("/views", same)
    replaced = console.services.last("RecordIntent").request
    await console.post(f"/views/{VIEW_ID}", {"name": "Visa"})
    renamed = console.services.last("RecordIntent").request
    for intent in (replaced, renamed):
        assert intent.subject_id == VIEW_ID
        assert '"query":"state=captured&last4=4242"' in intent.before
    assert console.services.last("UpdateView").request.name == "Visa"
    assert not console.services.last("UpdateView").request.shared


async def test_a_view_is_deleted(console: Console):
    status, place, _ = await console.post(f"/views/{VIEW_ID}/delete", {})
    assert (status, place) == (303, "/views?notice=view_deleted")
    assert console.services.last("DeleteView").request.view_id == VIEW_ID


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("https://evil.example", "state=paid"),
        ("//evil.example/payments", "state=paid"),
        ("/settings/keys", "state=paid"),
        ("/payments/../team", "state=paid"),
        ("/payments", "cursor=x&state="),
        ("/reports/a/b", "currency=EUR"),
    ],
)
async def test_only_filters_of_a_list_can_be_saved(console: Console, path: str, query: str):
    status, _, page = await console.post("/views", {"path": path, "query": query, "name": "X"})
    assert status == 400
    assert "choose a filter first" in page
    assert console.services.calls("SaveView") == 0


async def test_a_view_that_could_not_be_saved_stays_in_the_form(console: Console):
    full = RemoteRefusal(Kind.CONFLICT, "too_many_views", "Too many.")
    console.services.answers["SaveView"] = full
    sent = {"path": "/payments", "query": "state=paid", "name": "One more", "shared": "yes"}
    status, _, page = await console.post("/views", sent)
    assert status == 409
    assert "50 of your own" in page
    assert 'value="One more"' in page
    assert 'name="query" value="state=paid"' in page


async def test_a_stored_view_links_only_to_lists_of_the_console(console: Console):
    stored = [
        saved_view(name="host", path="//evil.example/payments"),
        saved_view(name="scheme", path="javascript:alert(1)"),
        saved_view(name="more", query="state=paid&next=//evil.example&onload=x"),
        saved_view(name="gone", path="/no/such/list"),
    ]
    console.services.answers["ListViews"] = views_pb2.ListViewsResponse(data=stored)
    html = await console.page("/views")
    assert "evil.example" not in html
    assert "javascript:" not in html
    assert 'href="/payments?state=paid"' in html
    assert html.count("The list no longer exists") == 3


async def test_a_view_of_a_list_that_a_role_may_not_see_is_hidden(console: Console):
    view = saved_view(path="/audit", query="actor=mem_1", shared=True, member_id="mem_2")
    console.services.answers["ListViews"] = views_pb2.ListViewsResponse(data=[view])
    assert "Paid with Visa" in await console.page("/views")
    console.act_as(Role.VIEWER)
    console.services.answers["ListViews"] = views_pb2.ListViewsResponse(data=[view])
    assert "Paid with Visa" not in await console.page("/views")


async def test_views_have_buttons_only_for_changes_that_the_member_may_make(console: Console):
    console.act_as(Role.VIEWER)
    html = await console.page("/views")
    assert f'action="/views/{VIEW_ID}/delete"' in html
    assert 'action="/views/viw_2/delete"' not in html
    console.act_as(Role.OWNER)
    html = await console.page("/views")
    assert 'action="/views/viw_2/delete"' in html  # Luca shares it
    assert 'action="/views/viw_2"' not in html


async def test_the_search_finds_views_by_their_name(console: Console):
    html = await console.page("/search?q=visa")
    assert 'href="/payments?state=captured&amp;last4=4242"' in html
    assert "From before" not in await console.page("/search?q=before")


async def test_a_list_is_shown_even_if_its_views_cannot_be_loaded(console: Console):
    down = RemoteRefusal(Kind.UNAVAILABLE, "service_unavailable", "Down.")
    console.services.answers["ListViews"] = down
    assert "A-1001" in await console.page("/payments")


@pytest.mark.parametrize(
    ("stored", "known"),
    [
        ("b=2&a=1", "a=1&b=2"),
        ("a=&b=2&c=3", "b=2"),
        ("a=x%26b%3D9", "a=x%26b%3D9"),
        ("", ""),
        ("&&=&a", ""),
    ],
)
def test_a_stored_query_is_normalised_to_its_known_filters(stored: str, known: str):
    assert known_query(stored, ("a", "b")) == known
    assert known_query(known, ("a", "b")) == known


def test_a_query_contains_only_known_filters_with_a_value():
    assert query_of({"a": "", "c": "1", "b": "é&"}, ("a", "b")) == "b=%C3%A9%26"
