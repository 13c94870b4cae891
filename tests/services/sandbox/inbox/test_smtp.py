import time
from email import message_from_bytes, policy

import aiosmtplib
import pytest

from services.sandbox.inbox.smtp import MOST_MAIL_BYTES
from tests.services.sandbox.inbox.letters import SENDER, letter, post


async def test_a_mail_arrives_complete_in_the_inbox(sandbox):
    await post(sandbox)
    (mail,) = await sandbox.inbox(to="giulia@example.com")
    assert (mail["channel"], mail["from"], mail["state"]) == ("email", SENDER, "delivered")
    assert (mail["subject"], mail["message_id"]) == ("Paga 129,00 €", "<msg_1@incasso.example>")
    assert mail["author"] == "Bottega <pay@incasso.example>"
    assert mail["text"].startswith("Paga qui")
    assert "<p>Ciao</p>" in mail["html"]
    assert mail["links"] == ["https://pay.example/p/abc?x=1&y=2"]
    assert (await sandbox.call("GET", f"/inbox/messages/{mail['id']}")).body == mail


async def test_every_recipient_gets_a_row(sandbox):
    await post(sandbox, letter(), "a@example.com", "b@example.com")
    assert [mail["to"] for mail in await sandbox.inbox()] == ["b@example.com", "a@example.com"]


async def test_the_inbox_is_filtered_by_recipient_channel_and_time(sandbox):
    await post(sandbox, letter(), "a@example.com")
    later = time.time()
    await post(sandbox, letter(), "B@example.com")
    await sandbox.send_sms()
    assert len(await sandbox.inbox()) == 3
    assert len(await sandbox.inbox(to="b@example.com")) == 1
    assert len(await sandbox.inbox(channel="sms")) == 1
    assert len(await sandbox.inbox(to="+393331234567")) == 1
    assert len(await sandbox.inbox(since=str(later))) == 2
    (second,) = await sandbox.inbox(since=str(later), channel="email")
    assert len(await sandbox.inbox(since=second["received_at"])) == 2
    for wrong in ("since=yesterday", "channel=fax"):
        assert (await sandbox.call("GET", f"/inbox/messages?{wrong}")).status == 422


async def test_the_inbox_can_be_emptied(sandbox):
    await post(sandbox)
    assert (await sandbox.call("DELETE", "/inbox/messages")).body == {"removed": 1}
    assert await sandbox.inbox() == []
    assert (await sandbox.call("GET", "/inbox/messages/inb_x")).status == 404


async def test_the_inbox_survives_a_restart(launch):
    async with launch() as sandbox:
        await post(sandbox)
    async with launch() as sandbox:
        assert len(await sandbox.inbox()) == 1


async def refusal(sandbox, to: str, **options) -> int:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        await post(sandbox, letter(), to, **options)
    return refused.value.recipients[0].code


async def test_a_refused_recipient_gets_550_and_a_full_mailbox_452(sandbox):
    assert await refusal(sandbox, "refused@example.com") == 550
    assert await refusal(sandbox, "Full+7@example.com") == 452
    assert await sandbox.inbox() == []


async def test_a_greylisted_recipient_is_accepted_the_second_time(launch):
    async with launch() as sandbox:
        assert await refusal(sandbox, "greylisted@example.com") == 451
    async with launch() as sandbox:
        await post(sandbox, letter(), "greylisted@example.com")
        assert len(await sandbox.inbox()) == 1
        assert await refusal(sandbox, "greylisted@example.com", sender="other@x.example") == 451


async def test_a_refused_recipient_does_not_affect_the_others(sandbox):
    await post(sandbox, letter(), "refused@example.com", "giulia@example.com")
    assert [mail["to"] for mail in await sandbox.inbox()] == ["giulia@example.com"]


async def test_a_bounce_comes_back_as_a_delivery_status_notification(sandbox, listener):
    await post(sandbox, letter(), "bounce@example.com")
    ((headers, raw),) = await listener.wait_for(1)
    assert headers["Content-Type"] == "message/rfc822"
    report = message_from_bytes(raw, policy=policy.default)
    assert report["To"] == SENDER
    assert (report.get_content_type(), report.get_param("report-type")) == (
        "multipart/report", "delivery-status",
    )  # fmt: skip
    _, status, original = report.iter_parts()
    per_message, per_recipient = status.get_payload()
    assert per_message["Reporting-MTA"].startswith("dns;")
    assert per_recipient["Final-Recipient"] == "rfc822; bounce@example.com"
    assert (per_recipient["Action"], per_recipient["Status"]) == ("failed", "5.1.1")
    assert "Message-ID: <msg_1@incasso.example>" in original.get_content()
    assert (await sandbox.inbox())[0]["state"] == "bounced"
    assert report.defects == []


async def test_a_bounce_is_redelivered_until_it_is_accepted(sandbox, listener):
    listener.statuses = [500, 302]
    await post(sandbox, letter(), "bounce@example.com")
    await listener.wait_for(3)
    await post(sandbox, letter(), "bounce@example.org")
    received = await listener.wait_for(4)
    is_second = [b"bounce@example.org" in raw for _, raw in received]
    assert is_second == [False, False, False, True], "what was taken is not repeated"


async def test_an_automatic_mail_causes_no_bounce(sandbox, listener):
    automatic = letter()
    automatic["Auto-Submitted"] = "auto-replied"
    await post(sandbox, automatic, "bounce@example.com")
    await post(sandbox, letter(), "bounce@example.org")
    ((_, raw),) = await listener.wait_for(1)
    assert b"bounce@example.org" in raw


async def test_mail_of_more_than_a_mebibyte_is_refused(sandbox):
    large = letter()
    large.add_attachment(b"x" * MOST_MAIL_BYTES, "application", "octet-stream")
    with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
        await post(sandbox, large)
    assert refused.value.code == 552


async def test_any_smtp_password_except_wrong_is_accepted(sandbox):
    await post(sandbox, letter(), "a@example.com", username="pay", password="secret")
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        await post(sandbox, letter(), "a@example.com", username="pay", password="wrong")


async def test_a_server_that_is_down_says_421_or_closes(sandbox):
    await sandbox.faults({"operation": "smtp", "kind": "down", "times": 1})
    with pytest.raises(aiosmtplib.SMTPConnectResponseError) as refused:
        await post(sandbox)
    assert refused.value.code == 421
    await sandbox.faults({"operation": "smtp", "kind": "down", "code": "closed", "times": 1})
    with pytest.raises(aiosmtplib.SMTPException):
        await post(sandbox)
    await post(sandbox)


@pytest.mark.parametrize("phase", ["connect", "rcpt", "data"])
async def test_each_phase_can_be_slow(sandbox, phase):
    await sandbox.faults({"operation": "smtp", "kind": "slow", "phase": phase, "seconds": 0.3})
    began = time.monotonic()
    await post(sandbox)
    assert time.monotonic() - began >= 0.3


async def test_a_mail_and_a_recipient_can_be_refused_on_demand(sandbox):
    await sandbox.faults({"operation": "smtp", "kind": "error", "code": "554"})
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await post(sandbox)
    assert refused.value.code == 554
    rule = {"operation": "smtp", "kind": "error", "phase": "rcpt", "account": "a@example.com"}
    await sandbox.faults(rule)
    assert await refusal(sandbox, "a@example.com") == 451
    await post(sandbox, letter(), "b@example.com")


@pytest.mark.parametrize(("kind", "stored"), [("drop_before", 0), ("drop_after", 1)])
async def test_the_connection_can_drop_before_or_after_acceptance(sandbox, kind, stored):
    await sandbox.faults({"operation": "smtp", "kind": kind, "times": 1})
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await post(sandbox)
    assert len(await sandbox.inbox()) == stored
    await post(sandbox)


async def test_psp_faults_do_not_affect_mail_and_sms(sandbox):
    await sandbox.faults({"operation": "*", "kind": "drop_after"})
    await post(sandbox)
    assert (await sandbox.send_sms()).status == 201


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"operation": "smtp", "kind": "latency"}, "kind"),
        ({"operation": "charge", "kind": "down"}, "kind"),
        ({"operation": "smtp", "kind": "slow", "phase": "quit"}, "phase"),
        ({"operation": "sms", "kind": "slow", "phase": "data"}, "phase"),
        ({"operation": "smtp", "kind": "drop_after", "phase": "rcpt"}, "phase"),
        ({"operation": "smtp", "kind": "error", "code": "250"}, "code"),
    ],
)
async def test_an_invalid_fault_rule_for_messages_is_refused_by_field(sandbox, rule, field):
    answer = await sandbox.call("PUT", "/control/faults", {"rules": [rule]})
    assert (answer.status, answer.body.get("field")) == (422, field)
