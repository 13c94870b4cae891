"""The evidence with which a shop contests a dispute, as a document: the order, the money, what the
customer accepted, the messages. Contains no device addresses and no card digits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from libs import display
from libs.documents.sheet import Block, Facts, Highlights, Row, Sheet
from libs.money import Money
from libs.text import isolated
from services.console.shown import enum
from services.console.timeline import Step

REGIONS: Final = {"it": "IT", "en": "GB"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything about one payment, as the services sent it; `links` and `plans` are those that it
    pays. `consent`: to a one-click payment, if it is one.
    """

    payment: Any
    steps: Sequence[Step]
    messages: Sequence[Any]
    links: Sequence[Any]
    plans: Sequence[Any]
    consent: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    language: str
    zone: str
    words: Mapping[str, str]
    now: datetime

    def moment(self, at: Any) -> str:
        found = at if isinstance(at, datetime) else at.ToDatetime(tzinfo=UTC)
        return display.moment(found, self.language, timezone=self.zone)

    def amount(self, minor: int, currency: str) -> str:
        return display.amount(Money(minor, currency), self.language)

    def say(self, key: str, **values: str) -> str:
        return self.words[key].format(**{name: isolated(text) for name, text in values.items()})


def sheet(story: Story, reader: Reader, *, shop: str, colour: str) -> Sheet:
    """`shop`: the merchant's name."""
    payment, words = story.payment, reader.words
    return Sheet(
        language=reader.language,
        region=REGIONS[reader.language],
        title=words["title"],
        description=reader.say("about", order=payment.order_reference),
        prepared=reader.say("prepared", shop=shop, at=reader.moment(reader.now)),
        author=shop,
        colour=colour,
        issued_on=reader.now.date(),
        running=f"{isolated(shop)} · {isolated(payment.order_reference)}",
        version=payment.id,
        page=words["page"],
        blocks=[block for block in _blocks(story, reader) if block is not None],
    )


def _blocks(story: Story, reader: Reader) -> Sequence[Block | None]:
    payment, words = story.payment, reader.words
    currency = payment.amount.currency
    figures = [
        (words["amount"], reader.amount(payment.amount.amount_minor, currency)),
        (words["captured"], reader.amount(payment.captured_minor, currency)),
        (words["refunded"], reader.amount(payment.refunded_minor, currency)),
    ]
    return [
        Highlights(figures=figures),
        _facts("payment", _payment(payment, reader), reader),
        _facts("disputes", _disputes(payment, reader), reader),
        _facts("order", _order(story, reader), reader),
        _facts("accepted", _accepted(story, reader), reader),
        _facts("timeline", _steps(story.steps, currency, reader), reader),
        _facts("messages", [_message(one, reader) for one in story.messages], reader),
    ]


def _facts(name: str, rows: Sequence[Row], reader: Reader) -> Facts | None:
    """None without rows: a document has no empty tables."""
    columns = (reader.words["what"], reader.words["details"])
    return Facts(heading=reader.words[name], columns=columns, rows=rows) if rows else None


def _payment(payment: Any, reader: Reader) -> list[Row]:
    words = reader.words
    known = {
        "order_reference": payment.order_reference,
        "payment_id": payment.id,
        "begun": reader.moment(payment.created_at),
        "state": words.get(f"state_{enum(payment, 'state')}", enum(payment, "state")),
        "method": words.get(f"method_{payment.method}", payment.method),
        "card": display.brand_name(payment.brand),
        "psp": payment.psp_account,
        "psp_reference": payment.psp_reference,
        "sca": payment.sca_exemption,
        "trace": payment.trace_id,
    }
    return [(words[name], [text]) for name, text in known.items() if text]


def _disputes(payment: Any, reader: Reader) -> list[Row]:
    return [
        (
            reader.moment(one.created_at),
            [
                reader.words[f"dispute_{enum(one, 'state')}"],
                reader.amount(one.amount_minor, one.currency),
                *filter(None, [one.reason]),
            ],
        )
        for one in payment.disputes
    ]


def _order(story: Story, reader: Reader) -> list[Row]:
    """The lines of the links and plans."""
    rows: list[Row] = []
    for link in story.links:
        if link.description:
            rows.append((reader.words["description"], [link.description]))
        rows.extend(_lines(link.line_items, link.amount.currency, reader))
    for plan in story.plans:
        rows.extend(_lines(plan.items, plan.amount.currency, reader))
    return rows


def _lines(items: Sequence[Any], currency: str, reader: Reader) -> list[Row]:
    return [
        (one.name, [f"{one.quantity} × {reader.amount(one.unit_amount_minor, currency)}"])
        for one in items
    ]


def _accepted(story: Story, reader: Reader) -> list[Row]:
    """What the customer agreed to, by the hash or the version of the text that they were shown."""
    rows: list[Row] = [_consent(story.consent, reader)] if story.consent is not None else []
    for quote in (link.quote for link in story.links if link.HasField("quote")):
        if quote.HasField("acceptance"):
            found = quote.acceptance
            values = {"version": found.version, "sha256": found.text_sha256}
            texts = [reader.moment(found.accepted_at), quote.title, reader.say("text", **values)]
            rows.append((reader.words["quote"], texts))
    for plan in (plan for plan in story.plans if plan.HasField("acceptance")):
        found = plan.acceptance
        values = {"version": found.text_version, "sha256": found.agreement_sha256}
        texts = [reader.moment(found.accepted_at), plan.id, reader.say("text", **values)]
        rows.append((reader.words["agreement"], texts))
    return rows


def _consent(found: Any, reader: Reader) -> Row:
    """`accepted_at` is the shop's statement; the time at which it reached us is shown beside it."""
    charged = "clicked" if found.in_session else "charged"
    texts = [
        reader.moment(found.accepted_at),
        reader.say("consent_text", version=found.text_version),
        reader.say("consent_kept", at=reader.moment(found.created_at)),
        reader.say(f"consent_{charged}", at=reader.moment(found.charged_at)),
    ]
    if found.sca_reference:
        texts.append(reader.say("consent_sca", reference=found.sca_reference))
    return reader.words["consent"], texts


def _steps(steps: Sequence[Step], currency: str, reader: Reader) -> list[Row]:
    """All steps but exceptions, which only concern the shop."""
    return [_step(step, currency, reader) for step in steps if not step.type]


def _step(step: Step, currency: str, reader: Reader) -> Row:
    at = step.at
    when = reader.moment(at) if isinstance(at, datetime) else display.day(at, reader.language)
    kind = reader.words[f"step_{step.kind}"]
    amount = reader.amount(step.amount_minor, currency) if step.amount_minor else ""
    return when, [" ".join(filter(None, [kind, amount])), *filter(None, [step.note])]


def _message(one: Any, reader: Reader) -> Row:
    words, kind, channel = reader.words, enum(one, "kind"), enum(one, "channel")
    about = words.get(f"kind_{kind}", kind.replace("_", " "))
    texts = [
        reader.say("message", kind=about, channel=words[f"channel_{channel}"], to=one.recipient)
    ]
    texts += [
        reader.say(name, at=reader.moment(getattr(one, name)))
        for name in ("sent_at", "delivered_at")
        if one.HasField(name)
    ]
    return reader.moment(one.created_at), texts
