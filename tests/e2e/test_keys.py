"""Keys on the whole stack: made, replaced and revoked over REST, and refused within seconds."""

import asyncio

from stack.shop import Shop


async def until_refused(shop, secret):
    for _ in range(80):
        answer = await shop.call("GET", "/v1/customers", secret_key=secret)
        if answer.status != 200:
            return answer
        await asyncio.sleep(0.1)
    return answer


async def test_a_revoked_key_is_refused_within_seconds(shop):
    scopes = {"kind": "secret", "name": "reader", "scopes": ["customers:read"]}
    key = (await shop.call("POST", "/v1/api-keys", scopes)).expect(201)
    assert (await shop.call("GET", "/v1/customers", secret_key=key["secret"])).status == 200
    (await shop.call("POST", f"/v1/api-keys/{key['id']}/revoke", {})).expect(200)
    refused = await until_refused(shop, key["secret"])
    assert (refused.status, refused.body["code"]) == (401, "api_key_revoked")


async def test_a_key_does_only_what_its_scopes_say(shop):
    scopes = {"kind": "secret", "name": "reader", "scopes": ["customers:read"]}
    key = (await shop.call("POST", "/v1/api-keys", scopes)).expect(201)
    refused = await shop.call("POST", "/v1/customers", {}, secret_key=key["secret"])
    assert (refused.status, refused.body["code"]) == (403, "scope_missing")
    wider = {"kind": "secret", "name": "more", "scopes": ["*"]}
    refused = await shop.call("POST", "/v1/api-keys", wider, secret_key=key["secret"])
    assert refused.status == 403


async def test_a_publishable_key_pays_a_session_and_does_nothing_else(shop, merchant, booked):
    browser = Shop(
        shop.http, shop.url, merchant.publishable_key, shop.sandbox_url, shop.localstripe_url
    )
    refused = await browser.call("GET", "/v1/customers")
    assert (refused.status, refused.body["code"]) == (403, "publishable_key_not_allowed")
    session = (
        await shop.call(
            "POST",
            "/v1/one-click-sessions",
            {
                "customer_id": await shop.customer("tok_visa"),
                "amount": {"amount_minor": 5990, "currency": "EUR"},
                "order_reference": shop.next_order(),
            },
        )
    ).expect(201)
    path = f"/v1/one-click-sessions/{session['id']}"
    wrong = await browser.call("POST", f"{path}/pay", {"client_secret": "ocs_wrong"})
    assert (wrong.status, wrong.body["code"]) == (401, "client_secret_invalid")
    proof = {"client_secret": session["client_secret"]}
    clicks = await asyncio.gather(*(browser.call("POST", f"{path}/pay", proof) for _ in range(10)))
    assert {click.status for click in clicks} <= {200, 409}
    paid = (await shop.get(path))["payment"]
    assert paid["state"] == "captured"
    assert len(await booked(paid)) == 1
