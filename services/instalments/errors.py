"""Every way in which instalments says no."""

from libs.errors import Kind, Refusal


class TermsNotFound(Refusal, kind=Kind.NOT_FOUND, reason="terms_not_found"):
    message = "There are no instalment terms with this id."


class TooManyTerms(Refusal, kind=Kind.CONFLICT, reason="too_many_terms"):
    message = "The merchant has 50 active instalment terms; archive one first."


class QuoteNotFound(Refusal, kind=Kind.NOT_FOUND, reason="quote_not_found"):
    message = "There is no instalment quote with this id."


class NotOffered(Refusal, kind=Kind.CONFLICT, reason="instalments_not_offered"):
    """`facts` say why: the reason of the offer, and its threshold or article."""

    message = "These terms are not to be had for this order."
