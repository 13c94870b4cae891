"""A plan's documents, attached to its e-mails over a real SMTP server: the PDFs arrive with their text."""

from email.message import EmailMessage
from typing import Any

import pytest

from incasso.instalments.v1 import plans_pb2
from libs.documents import render
from services.instalments.documents.before_consent import before_consent
from services.instalments.documents.letters import receipt
from services.notify.messages.rules.attachments import ATTACHED, Attachment
from services.notify.messages.rules.domain import PLAN_KINDS, Kind
from services.notify.messages.rules.texts import WORDS
from tests.services.instalments.documents.drawn_up import credit, pages
from tests.services.instalments.documents.test_documents import notice_of
from tests.services.notify.messages.test_plan_messages import BY_PHONE, ask
from tests.services.notify.messages.world import World

Document = plans_pb2.InstalmentDocument


def attachments_of(letter: EmailMessage) -> dict[str, str]:
    """Each PDF's text, by file name."""
    parts = list(letter.iter_attachments())
    assert {part.get_content_type() for part in parts} <= {"application/pdf"}
    return {part.get_filename() or "": " ".join(pages(_content(part))) for part in parts}


def _content(part: Any) -> bytes:
    content = part.get_content()
    assert isinstance(content, bytes)
    return content


def plain_text(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def test_a_withdrawal_mail_attaches_its_receipt_with_content_and_time(world: World):
    receipt_pdf = render.pdf(receipt(notice_of(credit())))
    world.neighbours.documents[Document.KIND_RECEIPT] = receipt_pdf
    await ask(world, Kind.PLAN_WITHDRAWN, recipient="altrove@example.com")
    await world.turn()
    (letter,) = world.mail.letters
    ((name, text),) = attachments_of(letter).items()
    assert name == "ricevuta-del-recesso.pdf"
    for words in ("Recedo dal contratto", "Giulia Ferràri", "A-1001", "9 dicembre 2026, 11:03"):
        assert words in text
    assert "In allegato, in PDF: Ricevuta del recesso." in plain_text(letter)
    assert letter["To"].addresses[0].addr_spec == "altrove@example.com"
    raw = world.mail.inbox[0].original_content or b""
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert max(map(len, raw.split(b"\r\n"))) <= 998  # RFC 5322


async def test_the_mail_of_a_signed_plan_attaches_information_and_agreement(world: World):
    information, agreement = map(render.pdf, before_consent(credit(locale="en")))
    kinds = (Document.KIND_INFORMATION, Document.KIND_AGREEMENT)
    world.neighbours.documents = dict(zip(kinds, (information, agreement), strict=True))
    await ask(world, Kind.PLAN_SIGNED, locale="en")
    await world.turn()
    (letter,) = world.mail.letters
    found = attachments_of(letter)
    assert list(found) == ["information-on-the-plan.pdf", "agreement.pdf"]
    first, second = found.values()
    assert "Standard European Consumer Credit Information" in first
    assert "Credit agreement" in second
    assert "Enclosed as PDF: Information on the plan, Agreement." in plain_text(letter)


async def test_a_mail_waits_for_its_documents_during_an_instalments_outage(world: World):
    world.neighbours.documents[Document.KIND_RECEIPT] = b"%PDF-1.7"
    world.neighbours.away.add("GetInstalmentDocument")
    await ask(world, Kind.PLAN_WITHDRAWN)
    await world.turn()
    assert (await world.states(), world.mail.letters) == (["queued"], [])
    world.neighbours.away.clear()
    await world.due()
    await world.turn()
    (letter,) = world.mail.letters
    assert len(list(letter.iter_attachments())) == 1


async def test_a_mail_whose_document_is_missing_is_sent_without_mentioning_it(
    world: World,
):
    await ask(world, Kind.PLAN_WITHDRAWN)
    await world.turn()
    (letter,) = world.mail.letters
    assert not list(letter.iter_attachments())
    assert "allegato" not in plain_text(letter)


@pytest.mark.parametrize("kind", sorted(PLAN_KINDS - set(ATTACHED)))
async def test_other_plan_messages_fetch_no_document(world: World, kind: Kind):
    await ask(world, kind)
    await world.turn()
    assert await world.states() == ["sent"]
    assert world.neighbours.calls["GetInstalmentDocument"] == 0


async def test_a_text_message_fetches_no_document(world: World):
    await ask(world, Kind.PLAN_WITHDRAWN, BY_PHONE)
    await world.turn(2)
    assert (await world.states(), len(world.sms.taken)) == (["sent"], 1)
    assert world.neighbours.calls["GetInstalmentDocument"] == 0


def test_attachment_file_names_are_plain_ascii():
    names = [name for words in WORDS.values() for name in words.documents.values()]
    assert all(name.isascii() for name in names)
    assert Attachment("Ricevuta del recesso", b"").file_name == "ricevuta-del-recesso.pdf"
