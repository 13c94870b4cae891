"""API keys on the whole stack: created, rotated and revoked over REST, and refused within seconds."""

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


async def test_a_key_cannot_exceed_its_scopes(shop):
    scopes = {"kind": "secret", "name": "reader", "scopes": ["customers:read"]}
    key = (await shop.call("POST", "/v1/api-keys", scopes)).expect(201)
    refused = await shop.call("POST", "/v1/customers", {}, secret_key=key["secret"])
    assert (refused.status, refused.body["code"]) == (403, "scope_missing")
    wider = {"kind": "secret", "name": "more", "scopes": ["*"]}
    refused = await shop.call("POST", "/v1/api-keys", wider, secret_key=key["secret"])
    assert refused.status == 403


async def test_a_publishable_key_pays_only_a_session_whose_secret_it_has(shop, merchant, booked):
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
    wrong = await browser.call("POST", f"{path}/pay", {}, client_secret="ocs_wrong")
    assert (wrong.status, wrong.body["code"]) == (401, "client_secret_invalid")
    proof = session["client_secret"]
    in_address = await browser.call("GET", f"{path}?client_secret={proof}")
    assert in_address.expect(400)["errors"][0]["pointer"] == "/client_secret"
    (await browser.call("GET", path, client_secret=proof)).expect(200)
    clicks = await asyncio.gather(
        *(browser.call("POST", f"{path}/pay", {}, client_secret=proof) for _ in range(10))
    )
    assert {click.status for click in clicks} <= {200, 409}
    paid = (await shop.get(path))["payment"]
    assert paid["state"] == "captured"
    assert len(await booked(paid)) == 1


async def test_a_browser_can_remove_items_from_an_order_but_not_lower_its_amount(
    shop, merchant, booked
):
    browser = Shop(
        shop.http, shop.url, merchant.publishable_key, shop.sandbox_url, shop.localstripe_url
    )
    order = {
        "customer_id": await shop.customer("tok_visa"),
        "amount": {"amount_minor": 6290, "currency": "EUR"},
        "order_reference": shop.next_order(),
        "capture": "delayed",
        "grace_seconds": 86_400,
        "metadata": {"margin": "40"},
        "items": [
            {"id": "shoes", "name": "Scarpe", "quantity": 1, "unit_amount_minor": 5500},
            {"id": "socks", "name": "Calze", "quantity": 3, "unit_amount_minor": 100},
            {
                "id": "shipping",
                "name": "Posta",
                "quantity": 1,
                "unit_amount_minor": 490,
                "fixed": True,
            },
        ],
    }
    session = (await shop.call("POST", "/v1/one-click-sessions", order)).expect(201)
    proof = {"client_secret": session["client_secret"]}
    paid = await browser.call("POST", f"/v1/one-click-sessions/{session['id']}/pay", {}, **proof)
    payment = paid.expect(200)["payment"]
    assert {"metadata", "order_reference", "psp_reference", "customer_id"}.isdisjoint(payment)
    path = f"/v1/one-click-payments/{payment['id']}/undo"
    cent = {"amount": {"amount_minor": 1, "currency": "EUR"}}
    refused = await browser.call("POST", path, cent, **proof)
    assert refused.expect(400)["errors"][0]["pointer"] == "/amount"
    removed = {"remove": [{"item_id": "socks", "quantity": 2}]}
    lowered = (await browser.call("POST", path, removed, **proof)).expect(200)
    assert (lowered["state"], lowered["capturable_minor"]) == ("authorised", 6090)
    (await shop.call("POST", "/v1/test-clock/advance", {"seconds": 86_401})).expect(200)
    for _ in range(300):
        found = await shop.get(f"/v1/payments/{payment['id']}")
        if found["state"] == "captured":
            break
        await asyncio.sleep(0.2)
    (row,) = await booked(found)
    assert (found["captured_minor"], row["captured_minor"]) == (6090, 6090)
    types: set[str] = set()
    for _ in range(300):
        types = {event["type"] for event in (await shop.get("/v1/events?limit=100"))["data"]}
        if {"payment.lowered", "order.items_removed"} <= types:
            break
        await asyncio.sleep(0.2)
    assert {"payment.lowered", "order.items_removed"} <= types
