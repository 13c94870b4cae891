"""Typed text never becomes a header or a body: raw sources, as a mail server receives them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incasso.paylink.v1 import paylink_pb2
from libs.formats import CHECKS
from services.notify.messages.rules import mime
from tests.services.notify.messages.world import Requested, World

HEADERS = [
    "Date",
    "Message-ID",
    "From",
    "To",
    "Subject",
    "Auto-Submitted",
    "Content-Language",
    "Reply-To",
    "MIME-Version",
    "Content-Type",
]
# A name that Python's own mail classes write out as two headers and a body (CVE-2024-6923).
ENCODED = "=?utf-8?q?Anna=0D=0ABcc=3A_all=40evil.example=0D=0A=0D=0APay_here?="
INJECTIONS = [
    ENCODED,
    f"=?utf-8?q?{ENCODED}?=",
    ENCODED.replace("utf-8?q", "UTF-8?Q"),
    "=?utf-8?b?QQ0KQmNjOiBhbGxAZXZpbC5leGFtcGxlDQoNClBheQ==?=",
    "=?utf-8?q?=0D=0ABcc=3A_a=40evil.example?= Anna",
    "Anna\r\nBcc: all@evil.example\r\n\r\nPay here",
    "Anna\nBcc: all@evil.example",
    "Anna\x85Bcc: all@evil.example\u2028Bcc: all@evil.example\x0bBcc: x",
    'Anna" <all@evil.example>, "',
]


def head_of(world: World) -> tuple[list[str], str]:
    """The headers' names in the order in which a mail server reads them, and the whole head."""
    content = world.mail.inbox[-1].original_content
    assert isinstance(content, bytes)
    head, _, body = content.decode().partition("\r\n\r\n")
    assert "\n" not in head.replace("\r\n", "")
    assert body.startswith("--=_incasso\r\n")
    assert body.endswith("--=_incasso--\r\n")
    lines = head.replace("\r\n ", " ").split("\r\n")
    return [line.partition(":")[0] for line in lines], head


@pytest.mark.parametrize("typed", INJECTIONS)
async def test_a_shoppers_text_injects_no_header(world: World, typed: str):
    link = world.link(
        description=typed,
        order_reference=typed,
        recipient=paylink_pb2.Recipient(name=typed, email="giulia@example.com"),
        line_items=[paylink_pb2.LineItem(name=typed, quantity=1, unit_amount_minor=12900)],
    )
    await world.ask(link)
    await world.turn()
    names, head = head_of(world)
    assert names == HEADERS
    assert not re.search(r"^Bcc", head, re.MULTILINE)
    assert "=?utf-8?q" not in head.lower()
    assert world.mail.letters[-1]["To"].addresses[0].addr_spec == "giulia@example.com"
    assert len(world.mail.letters[-1]["To"].addresses) == 1


@pytest.mark.parametrize("typed", INJECTIONS)
async def test_a_merchants_name_injects_no_header(world: World, typed: str):
    world.neighbours.merchant.name = typed
    await world.ask(reason=Requested.REASON_REMINDER)
    await world.turn()
    names, _ = head_of(world)
    assert names == [*HEADERS[:8], "List-Unsubscribe", "List-Unsubscribe-Post", *HEADERS[8:]]
    for name in ("From", "Reply-To"):
        (address,) = world.mail.letters[-1][name].addresses
        assert address.addr_spec in {"pay@incasso.example", "ciao@otticarossi.example"}


@pytest.mark.parametrize(
    "address",
    [
        "=?utf-8?q?a=0D=0ABcc=3A_b?=@example.com",
        "a\x01b@example.com",
        "a\u202eb@example.com",
        "a@example.com\r\nBcc: b@example.com",
        "a@example.com>\r\nRCPT TO:<b@example.com",
    ],
)
async def test_an_unsafe_email_address_is_refused_on_input_and_before_sending(
    world: World, address: str
):
    assert CHECKS["FORMAT_EMAIL"](address) is not None
    link = world.link(recipient=paylink_pb2.Recipient(email=address))
    await world.ask(link)
    await world.turn()
    row = await world.row()
    assert (row["state"], row["error"]) == (
        "failed",
        "the address cannot be written into a mail",
    )
    assert world.mail.inbox == []


@given(st.text(max_size=300))
def test_any_text_is_one_header(typed: str):
    value = mime.phrase(mime.without_words(typed))
    try:
        head = mime.written_head([("Subject", value), ("To", mime.mailbox(typed, "a@b.example"))])
    except ValueError:  # a control character, which emails.one_line removes first
        assert not typed.isprintable()
        return
    assert head.replace("\r\n ", " ").count("\r\n") == 2
    assert all(len(line) <= 78 for line in head.split("\r\n") if "=?utf-8?b?" in line)


@pytest.mark.parametrize("value", ["a\r\nBcc: b", "a\nb", "a\r\n\r\nb", "a\x00b", "a\r b"])
def test_a_header_value_with_control_characters_is_rejected(value: str):
    with pytest.raises(ValueError, match="a header's value"):
        mime.written_head([("Subject", value), ("To", "a@b.example")])
