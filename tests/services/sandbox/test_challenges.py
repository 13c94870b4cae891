import pytest

from services.sandbox.challenges import return_address


async def challenged(sandbox, **fields) -> dict:
    fields = {
        "token": "tok_3ds",
        "return_url": "http://shop.test/back?payment_reference=pay_1",
    } | fields
    return (await sandbox.charge(**fields)).body


async def decide(sandbox, url: str, decision: str):
    return await sandbox.session.post(url, data={"decision": decision}, allow_redirects=False)


@pytest.mark.parametrize(("capture", "state"), [(True, "captured"), (False, "authorised")])
async def test_approving_captures_or_authorises_the_charge_and_redirects_back(
    sandbox, receiver, capture, state
):
    charge = await challenged(sandbox, capture=capture, reference="A-1")
    page = await sandbox.session.get(charge["redirect_url"])
    html = await page.text()
    assert page.status == 200
    assert "€59.90" in html
    assert "A-1" in html
    assert "http://shop.test" in page.headers["Content-Security-Policy"]
    answer = await decide(sandbox, charge["redirect_url"], "approve")
    assert answer.status == 303
    assert answer.headers["Location"] == "http://shop.test/back?payment_reference=pay_1"
    now = (await sandbox.read(f"/charges/{charge['id']}")).body
    assert now["state"] == state
    assert "redirect_url" not in now
    await receiver.wait_for(2)
    assert set(receiver.types) == {"charge.requires_action", f"charge.{state}"}


async def test_refusing_declines_the_charge(sandbox):
    charge = await challenged(sandbox)
    await decide(sandbox, charge["redirect_url"], "refuse")
    now = (await sandbox.read(f"/charges/{charge['id']}")).body
    assert (now["state"], now["decline_code"]) == ("declined", "authentication_failed")


async def test_a_second_decision_changes_nothing_and_still_redirects(sandbox):
    charge = await challenged(sandbox)
    await decide(sandbox, charge["redirect_url"], "approve")
    assert (await decide(sandbox, charge["redirect_url"], "refuse")).status == 303
    assert (await sandbox.read(f"/charges/{charge['id']}")).body["state"] == "captured"
    page = await (await sandbox.session.get(charge["redirect_url"])).text()
    assert "Already answered" in page
    assert "Approve" not in page


async def test_a_cancelled_payment_can_no_longer_be_approved(sandbox):
    charge = await challenged(sandbox)
    await sandbox.write(f"/charges/{charge['id']}/cancellations", {})
    await decide(sandbox, charge["redirect_url"], "approve")
    assert (await sandbox.read(f"/charges/{charge['id']}")).body["state"] == "cancelled"
    page = await (await sandbox.session.get(charge["redirect_url"])).text()
    assert "cancelled the payment" in page


async def test_the_page_speaks_italian_to_italian_browsers(sandbox):
    charge = await challenged(sandbox)
    headers = {"Accept-Language": "it-IT,it;q=0.9,en;q=0.5"}
    html = await (await sandbox.session.get(charge["redirect_url"], headers=headers)).text()
    assert '<html lang="it">' in html
    assert "59,90\u00a0€" in html
    assert "Approva" in html


async def test_a_challenge_without_a_return_url_ends_on_its_page(sandbox):
    charge = await challenged(sandbox, return_url=None)
    answer = await decide(sandbox, charge["redirect_url"], "approve")
    assert answer.status == 200
    assert "You can close this page" in await answer.text()


async def test_a_saved_card_that_needs_a_challenge_becomes_ready(sandbox, receiver):
    body = {"token": "tok_3ds_setup", "return_url": "http://shop.test/saved"}
    saved = (await sandbox.write("/instruments", body)).body
    assert saved["state"] == "requires_action"
    early = await sandbox.charge(token=saved["token"])
    assert (early.status, early.body["code"]) == (422, "instrument_not_ready")
    answer = await decide(sandbox, saved["redirect_url"], "approve")
    assert answer.headers["Location"] == "http://shop.test/saved"
    assert (await sandbox.charge(token=saved["token"])).body["state"] == "captured"
    await receiver.wait_for(2)
    assert "instrument.ready" in receiver.types


async def test_saving_any_card_can_force_a_challenge(sandbox):
    body = {"token": "tok_visa", "sca": {"challenge": "force"}}
    saved = (await sandbox.write("/instruments", body)).body
    answer = await decide(sandbox, saved["redirect_url"], "refuse")
    assert answer.status == 200
    assert (await sandbox.charge(token=saved["token"])).status == 422


async def test_unknown_challenges_and_answers_are_refused(sandbox):
    assert (await sandbox.session.get(f"{sandbox.url}/3ds/3ds_unknown")).status == 404
    assert (await decide(sandbox, f"{sandbox.url}/3ds/3ds_unknown", "approve")).status == 404
    charge = await challenged(sandbox)
    assert (await decide(sandbox, charge["redirect_url"], "perhaps")).status == 422


@pytest.mark.parametrize(
    ("url", "reference", "expected"),
    [
        ("http://s/x?payment_reference=p", "A", "http://s/x?payment_reference=p"),
        ("http://s/x?a=1", "A 1", "http://s/x?a=1&payment_reference=A+1"),
        ("http://s/x#top", "A", "http://s/x?payment_reference=A#top"),
        ("http://s/x", None, "http://s/x"),
        (None, "A", None),
    ],
)
def test_the_return_url_keeps_its_query_and_gets_the_reference(url, reference, expected):
    assert return_address(url, reference) == expected
