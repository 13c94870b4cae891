"""The documents attached to a message: fetched when it is sent, and kept in no event and no row."""

import asyncio
from collections.abc import Sequence

from libs.display import language_of
from services.notify.deps import Deps
from services.notify.messages.rules.domain import Channel, Message
from services.notify.messages.rules.papers import ENCLOSED, Enclosure
from services.notify.messages.rules.texts import WORDS


async def enclosed(deps: Deps, message: Message) -> Sequence[Enclosure]:
    """Without unavailable ones: the message still says what it says, and links to the plan's page.

    Raises Refusal while instalments does not answer.
    """
    papers = ENCLOSED.get(message.kind, ())
    if message.plan_id is None or message.channel is not Channel.EMAIL or not papers:
        return ()
    asked = (deps.plans.document(message.plan_id, paper) for paper in papers)
    names = WORDS[language_of(message.locale)].papers
    return [
        Enclosure(names[paper], content)
        for paper, content in zip(papers, await asyncio.gather(*asked), strict=True)
        if content is not None
    ]
