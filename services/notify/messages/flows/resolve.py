"""Messages that may have been handed over, after a crash or a call that got no answer."""

from datetime import datetime

from libs.logs import log
from services.notify.deps import Deps
from services.notify.messages.flows.record import record_outcome
from services.notify.messages.flows.send import provider_for
from services.notify.messages.providers.base import Provider, ProviderUnreachableError
from services.notify.messages.rules import outcomes, retry
from services.notify.messages.rules.domain import PHONES, Message, State
from services.notify.messages.store import attempts, messages

NOT_THERE = "the provider does not know the message"


async def resolve_message(deps: Deps, message: Message) -> None:
    """E-mail cannot be looked up: it stays unknown. A provider of text messages can be asked."""
    if message.state is State.SENDING:
        await record_outcome(deps, message, outcomes.Lost("the process died during the hand-over"))
    elif message.channel in PHONES:
        await _ask(deps, message)


async def _ask(deps: Deps, message: Message) -> None:
    if message.handing_over_at is None or message.body_sha256 is None:
        return
    provider = provider_for(deps, message.channel)
    try:
        references = await _found(provider, message, message.body_sha256, message.handing_over_at)
    except ProviderUnreachableError as error:
        log.warning("provider does not answer", message_id=message.id, error=str(error))
        if deps.now() - message.queued_at >= retry.GIVE_UP:  # else: next check set by the claim
            await deps.db.run(attempts.stop_checking, message)
        return
    taken = await deps.db.run(messages.known_references, references)
    ours = [reference for reference in references if reference not in taken]
    if ours:
        await record_outcome(deps, message, outcomes.Accepted(ours[0]))
    else:
        await record_outcome(deps, message, outcomes.Postponed(NOT_THERE, after_seconds=1))


async def _found(
    provider: Provider | None, message: Message, body_sha256: str, since: datetime
) -> list[str]:
    if provider is None:
        raise ProviderUnreachableError("none is set up")
    return await provider.find(
        channel=message.channel, to=message.recipient, body_sha256=body_sha256, since=since
    )
