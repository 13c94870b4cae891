"""Tests of every page, generated from the table of pages, so that a new page is covered automatically."""

import re
from datetime import timedelta

import pytest

from incasso.paylink.v1 import paylink_pb2
from libs.roles import SCOPES, Role
from services.console.page import Page, is_audited, only_reads, rpc_named
from services.console.routes import PAGES
from tests.services.console.conftest import Console
from tests.services.console.paths import PATHS
from tests.services.console.samples import authenticated

CHANGES = [page for page in PAGES if page.changes]
# Pages of the person's own account, open to every role: they change no merchant's data.
OWN = {page.path for page in CHANGES if not page.merchant}


# What else a viewer may do: it changes no merchant's data and moves no money.
EXPORTS = {"/reports/{report}/runs"}  # a file of what they see
VIEWS = {"/views", "/views/{view_id}", "/views/{view_id}/delete"}  # names for filters of lists


def name_of(page: Page) -> str:
    return f"{page.method} {page.path}"


def path_of(page: Page) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: PATHS[found[1]], page.path)


every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)
every_change = pytest.mark.parametrize("page", CHANGES, ids=name_of)


@every_page
async def test_a_visitor_without_a_session_is_redirected_to_sign_in(console: Console, page: Page):
    async with console.request(page.method, path_of(page), signed_in=False) as response:
        assert response.status == 303
        assert response.headers["Location"].startswith("/sign-in")
    assert console.services.calls("AuthenticateSession") == 0


@every_page
async def test_an_ended_session_is_redirected_to_sign_in(console: Console, page: Page):
    console.cookies["incasso-session"] = "ended"
    async with console.request(page.method, path_of(page)) as response:
        assert response.status == 303
        assert response.headers["Location"].startswith("/sign-in")
        assert response.cookies["incasso-session"].value == ""


@pytest.mark.parametrize(
    "page", [p for p in CHANGES if p.path not in OWN | EXPORTS | VIEWS], ids=name_of
)
async def test_a_viewer_changes_nothing(console: Console, page: Page):
    console.act_as(Role.VIEWER)
    before = len(console.services.seen)
    status, _, _ = await console.post(path_of(page), {})
    assert status == 403
    called = {seen.name for seen in console.services.seen[before:]}
    assert called <= {"AuthenticateSession", "GetMerchant", "ListSessions"}


def test_the_only_changes_open_to_viewers_are_views_and_report_runs():
    """Checks that none of the exceptions above grows into another change."""
    changed = {
        name
        for page in CHANGES
        if page.path in EXPORTS | VIEWS
        for name in page.calls
        if not only_reads(rpc_named(name))
    }
    own = {"merchants.SaveView", "merchants.UpdateView", "merchants.DeleteView"}
    assert changed == own | {"reporting.CreateReportRun"}


@every_change
async def test_a_form_without_its_csrf_token_changes_nothing(console: Console, page: Page):
    for proof in ({}, {"proof": "made up"}):
        async with console.request("POST", path_of(page), data=proof) as response:
            assert response.status == 403
    allowed = {"AuthenticateSession", "GetMerchant"}
    assert {seen.name for seen in console.services.seen} <= allowed


@every_change
async def test_a_cross_site_form_changes_nothing(console: Console, page: Page):
    sent = {"proof": await console.proof()}
    console.services.seen.clear()
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    async with console.request("POST", path_of(page), data=sent, headers=headers) as response:
        assert response.status == 403
    allowed = {"AuthenticateSession", "GetMerchant"}
    assert {seen.name for seen in console.services.seen} <= allowed


@pytest.mark.parametrize("page", [p for p in PAGES if not p.changes and not p.is_file], ids=name_of)
@pytest.mark.parametrize("language", ["en", "it"])
async def test_a_page_is_shown_in_both_languages(console: Console, page: Page, language: str):
    console.cookies["incasso-language"] = language
    text = await console.page(path_of(page))
    assert f'<html lang="{language}">' in text


@every_page
async def test_pages_forbid_framing_caching_and_unsafe_scripts(console: Console, page: Page):
    async with console.request(page.method, path_of(page)) as response:
        headers = response.headers
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Server" not in headers
    assert "Strict-Transport-Security" not in headers  # the tests' console has no TLS


@pytest.mark.parametrize("page", [p for p in CHANGES if p.grave], ids=name_of)
async def test_a_grave_change_needs_a_fresh_proof_of_identity(console: Console, page: Page):
    owner = authenticated(SCOPES[Role.OWNER], proved=timedelta(minutes=11))
    console.services.answers["AuthenticateSession"] = owner
    status, place, _ = await console.post(path_of(page), {"here": "/team"})
    assert (status, place) == (303, "/prove?next=%2Fteam")
    assert "RecordIntent" not in {seen.name for seen in console.services.seen}


@pytest.mark.parametrize("page", [p for p in CHANGES if p.path not in OWN], ids=name_of)
def test_every_page_that_changes_something_calls_an_audited_rpc(page: Page):
    assert any(is_audited(rpc) for rpc in page.rpcs.values())


def test_parts_of_pages_only_read():
    parts = {name for page in PAGES for name in page.parts}
    assert [name for name in parts if is_audited(rpc_named(name))] == []


async def test_a_list_uses_the_cursor_and_filters_of_its_url(console: Console):
    await console.page("/links?state=paid&order_reference=L-77&cursor=next")
    asked = console.services.last("ListPaymentLinks").request
    assert (asked.limit, asked.cursor, asked.order_reference) == (25, "next", "L-77")
    assert asked.state == paylink_pb2.PaymentLink.STATE_PAID
