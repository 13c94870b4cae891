"""API keys in the console: created with the ticked scopes, shown once, rotated, revoked."""

from incasso.merchants.v1 import merchants_pb2
from libs.errors import invalid
from libs.roles import Role
from tests.services.console.conftest import Console
from tests.services.console.samples import KEY_ID
from tests.services.console.settings_samples import key

NEW = "/settings/keys/new"


async def test_a_key_gets_the_ticked_scopes_and_is_shown_once(console: Console):
    fields = {"kind": "secret", "name": "storefront", "scope:payments:read": "yes"}
    status, _, page = await console.post(NEW, fields)
    assert status == 201
    assert "sk_made" in page
    asked = console.services.last("CreateApiKey").request
    assert (asked.kind, list(asked.scopes)) == (key().kind, ["payments:read"])
    assert "sk_made" not in await console.page("/settings/keys")
    assert "sk_made" not in str(console.services.last("RecordIntent").request)
    assert console.services.last("RecordOutcome").request.subject_id == KEY_ID


async def test_ticking_everything_grants_only_the_wildcard_scope(console: Console):
    fields = {"kind": "secret", "everything": "yes", "scope:payments:read": "yes"}
    await console.post(NEW, fields)
    assert list(console.services.last("CreateApiKey").request.scopes) == ["*"]


async def test_a_resubmitted_form_says_that_the_key_cannot_be_shown_again(console: Console):
    again = merchants_pb2.CreateApiKeyResponse(api_key=key())
    console.services.answers["CreateApiKey"] = again
    status, _, page = await console.post(NEW, {"kind": "secret", "everything": "yes"})
    assert status == 201
    assert "cannot be shown again: if you have not stored it, replace it" in page


async def test_a_key_without_scopes_is_refused_and_the_form_keeps_its_values(console: Console):
    refusal = invalid("scopes", "must name at least one scope")
    console.services.answers["CreateApiKey"] = refusal
    status, _, page = await console.post(NEW, {"kind": "secret", "name": "storefront"})
    assert status == 400
    assert "Choose at least one scope" in page
    assert 'value="storefront"' in page


async def test_a_key_is_rotated_with_the_chosen_overlap(console: Console):
    status, _, page = await console.post(f"/settings/keys/{KEY_ID}/rotate", {"overlap": "week"})
    assert status == 201
    assert "sk_next" in page
    asked = console.services.last("RotateApiKey").request
    assert (asked.api_key_id, asked.overlap_seconds) == (KEY_ID, 604_800)
    assert '"name":"storefront"' in console.services.last("RecordIntent").request.before


async def test_a_key_is_revoked(console: Console):
    _, place, _ = await console.post(f"/settings/keys/{KEY_ID}/revoke", {})
    assert place == "/settings/keys?notice=revoked"
    assert console.services.last("RevokeApiKey").request.api_key_id == KEY_ID


async def test_an_operator_sees_keys_but_no_create_button_and_a_viewer_sees_none(console: Console):
    console.act_as(Role.OPERATOR)
    assert "Create a key" not in await console.page("/settings/keys")
    console.act_as(Role.VIEWER)
    async with console.request("GET", "/settings/keys") as response:
        assert response.status == 403
    assert "/settings/keys" not in await console.page("/settings")


async def test_without_keys_the_page_says_what_to_do_first(console: Console):
    console.services.answers["ListApiKeys"] = merchants_pb2.ListApiKeysResponse()
    page = await console.page("/settings/keys")
    assert "Create a secret key for your server" in page
    assert f'href="{NEW}"' in page
