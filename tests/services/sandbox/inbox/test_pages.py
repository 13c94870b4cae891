"""The inbox and the bank in a real browser."""

import pytest

from tests.browser import faults
from tests.services.sandbox.inbox.letters import letter, post

IBAN = "IT60X0542811101000000123456"
EPC = f"BCD\n002\n1\nSCT\n\nBottega Demo\n{IBAN}\nEUR129.00\n\nRF18539007547034"


async def html_of(sandbox, path: str) -> str:
    return (await sandbox.call("GET", path)).body


async def test_the_inbox_page_shows_previews_and_filters(sandbox):
    await post(sandbox, letter(subject="<b>Ciao</b>"), "giulia@example.com")
    await sandbox.send_sms(Body="Paga ora " * 20)
    page = await html_of(sandbox, "/inbox?locale=it")
    assert "&lt;b&gt;Ciao" in page
    assert "Posta in arrivo" in page
    assert "Paga ora…" in page
    assert "+393331234567" not in await html_of(sandbox, "/inbox?to=GIULIA")
    assert "giulia@" not in await html_of(sandbox, "/inbox?channel=sms")
    assert "No message matches" in await html_of(sandbox, "/inbox?to=nobody")


async def test_received_html_is_served_sandboxed_without_scripts(sandbox):
    await post(sandbox)
    (mail,) = await sandbox.inbox()
    document = await sandbox.call("GET", f"/inbox/{mail['id']}/html")
    policy = document.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    source = await sandbox.call("GET", f"/inbox/{mail['id']}/source")
    assert "Message-ID: <msg_1@incasso.example>" in source.body
    assert source.headers["Content-Type"].startswith("text/plain")


async def test_unknown_messages_and_missing_parts_are_not_found(sandbox):
    sid = (await sandbox.send_sms()).body["sid"]
    for path in ("/inbox/inb_x", "/inbox/inb_x/html", f"/inbox/{sid}/html", f"/inbox/{sid}/source"):
        assert (await sandbox.call("GET", path)).status == 404


async def test_an_sms_is_shown_with_its_length(sandbox):
    sid = (await sandbox.send_sms(Body="Paga <b>: https://pay.example/s/a")).body["sid"]
    page = await html_of(sandbox, f"/inbox/{sid}")
    assert "33 of 160 characters (GSM-7)" in page
    assert 'href="https://pay.example/s/a"' in page
    assert "Paga &lt;b&gt;" in page
    sid = (await sandbox.send_sms(Body="ê" * 80)).body["sid"]
    assert "80 characters (UCS-2), sent in 2 parts" in await html_of(sandbox, f"/inbox/{sid}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_pass_axe_and_fit_a_phones_width(sandbox, new_page, scheme):
    await post(sandbox)
    sid = (await sandbox.send_sms(Body="Paga: https://pay.example/s/a")).body["sid"]
    await sandbox.call("POST", "/bank/transfers", {"epc": EPC})
    (mail,) = await sandbox.inbox(channel="email")
    page = await new_page(
        color_scheme=scheme, locale="it-IT", viewport={"width": 390, "height": 844}
    )
    for path in ("/inbox", f"/inbox/{mail['id']}", f"/inbox/{sid}", "/bank", "/"):
        await page.goto(sandbox.url + path)
        assert await faults(page) == [], path
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, path


async def test_an_email_shows_in_its_frame_and_its_links_open_in_a_new_tab(sandbox, new_page):
    message = letter()
    html = message.get_payload()[1].get_payload()[0]
    html.set_content(
        f'<html><body><script>document.body.innerHTML = "owned"</script><p>Ciao</p>'
        f'<a href="{sandbox.url}/bank">Paga</a></body></html>',
        subtype="html",
    )
    await post(sandbox, message, "giulia@example.com")
    page = await new_page()
    await page.goto(f"{sandbox.url}/inbox")
    await page.get_by_role("link", name="giulia@example.com").click()
    frame = page.frame_locator("iframe")
    assert await frame.get_by_text("Ciao").is_visible()
    async with page.expect_popup() as opening:
        await frame.get_by_role("link", name="Paga").click()
    opened = await opening.value
    await opened.wait_for_url(f"{sandbox.url}/bank")
    assert await opened.title() == "Bank · Incasso sandbox"


async def test_the_bank_page_makes_a_transfer_from_a_pasted_code(sandbox, new_page):
    page = await new_page()
    await page.goto(f"{sandbox.url}/bank")
    await page.get_by_label("Content of the QR code").fill(EPC)
    await page.get_by_role("button", name="Make the transfer").first.click()
    assert "TRN" in await page.get_by_role("status").inner_text()
    assert await page.get_by_role("cell", name="€129.00").is_visible()
