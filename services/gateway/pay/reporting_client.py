"""Calls to reporting for surveys. On a survey's page the token is the proof, so these calls carry no
merchant; a receipt's call is made for the merchant of its link.
"""

from typing import Any, Final

from google.protobuf.message import Message

from incasso.reporting.v1 import surveys_pb2
from libs import client, context, deadlines
from libs.context import Call
from libs.errors import Refusal
from libs.upstreams import Upstreams

NAMES: Final = ("GetSurveyPage", "AnswerSurvey", "OfferSurvey", "GetSurveyOffer")
ACTOR: Final = "shopper"


class Surveys:
    """reporting's SurveysService and SurveyPagesService."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._methods = {name: upstreams.method("reporting", name) for name in NAMES}

    async def ask(self, message: Message) -> Any:
        """The answer to a request message. Raises Refusal."""
        return await self._call(message)

    async def are_offered(self, merchant_id: str) -> bool:
        """False if reporting does not answer in time: a receipt does not wait for it."""
        try:
            request = surveys_pb2.GetSurveyOfferRequest()
            answer = await self._for(merchant_id, request)
        except Refusal:
            return False
        offered: bool = answer.offered
        return offered

    async def token(self, merchant_id: str, paid_id: str, locale: str) -> str:
        """The token of a new survey's address. Raises Refusal."""
        request = surveys_pb2.OfferSurveyRequest(paid_id=paid_id, locale=locale)
        answer = await self._for(merchant_id, request)
        token: str = answer.token
        return token

    async def _for(self, merchant_id: str, message: Message) -> Any:
        before = context.current()
        context.set_current(Call(merchant_id=merchant_id, actor=ACTOR))
        try:
            return await self._call(message)
        finally:
            context.set_current(before)

    async def _call(self, message: Message) -> Any:
        name = message.DESCRIPTOR.name.removesuffix("Request")
        seconds = deadlines.OFFER if name == "GetSurveyOffer" else deadlines.CALL
        return await client.call(self._methods[name], message, timeout_seconds=seconds)
