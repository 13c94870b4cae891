"""The documents attached to a message: fetched when it is sent, and kept in no event and no row."""

import asyncio
from collections.abc import Sequence

from libs.display import language_of
from services.notify.deps import Deps
from services.notify.messages.rules.attachments import ATTACHED, Attachment
from services.notify.messages.rules.domain import Channel, Kind, Message
from services.notify.messages.rules.texts import WORDS


async def attachments_of(deps: Deps, message: Message) -> Sequence[Attachment]:
    """Omits unavailable documents: the message does without them and links to the plan's page.

    Raises Refusal while the service that owns them does not answer.
    """
    if message.kind is Kind.REPORT_DONE:
        file = await deps.reports.file(message.about.report_run_id)
        return [file] if file else ()
    documents = ATTACHED.get(message.kind, ())
    if message.plan_id is None or message.channel is not Channel.EMAIL or not documents:
        return ()
    asked = (deps.plans.document(message.plan_id, kind) for kind in documents)
    names = WORDS[language_of(message.locale)].documents
    return [
        Attachment(names[kind], content)
        for kind, content in zip(documents, await asyncio.gather(*asked), strict=True)
        if content is not None
    ]
