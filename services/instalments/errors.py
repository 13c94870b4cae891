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


class QuoteExpired(Refusal, kind=Kind.CONFLICT, reason="quote_expired"):
    message = "The quote has expired; make another."


class QuoteUsed(Refusal, kind=Kind.CONFLICT, reason="quote_used"):
    message = "A plan was made of this quote already."


class CustomerErased(Refusal, kind=Kind.CONFLICT, reason="customer_erased"):
    message = "The customer's data were erased."


class PlanNotFound(Refusal, kind=Kind.NOT_FOUND, reason="plan_not_found"):
    message = "There is no instalment plan with this id."


class PlanInReview(Refusal, kind=Kind.CONFLICT, reason="plan_in_review"):
    message = "A person looks at the plan first; it can be signed once it is approved."


class ReviewClosed(Refusal, kind=Kind.CONFLICT, reason="review_closed"):
    message = "The plan waits for no decision: it was decided, has ended, or was never in review."


class PlanNotCancellable(Refusal, kind=Kind.CONFLICT, reason="plan_not_cancellable"):
    message = "Its first payment is under way or paid; the plan cannot be cancelled any more."


class PlanClosed(Refusal, kind=Kind.CONFLICT, reason="plan_closed"):
    message = "The plan cannot be signed any more: it has expired, or was cancelled."


class PlanOfPartner(Refusal, kind=Kind.CONFLICT, reason="plan_of_partner"):
    message = "A partner gives this credit, its documents and its contract: pay by the partner."


class PlanNotOfPartner(Refusal, kind=Kind.CONFLICT, reason="plan_not_of_partner"):
    message = "No partner gives this credit: hand the documents over and have the plan signed."


class PlanPaid(Refusal, kind=Kind.CONFLICT, reason="plan_paid"):
    message = "The first part of the plan is paid already."


class PlanBusy(Refusal, kind=Kind.CONFLICT, reason="plan_busy"):
    message = "A payment of the plan is under way; wait for its end."


class PlanNotActive(Refusal, kind=Kind.CONFLICT, reason="plan_not_active"):
    message = "The plan is not being paid: its first part was not, or it has ended."


class NothingToGiveBack(Refusal, kind=Kind.CONFLICT, reason="nothing_to_give_back"):
    message = (
        "Nothing of this plan waits to be given back by a payment, or it is on its way already."
    )


class PlanRefunded(Refusal, kind=Kind.CONFLICT, reason="plan_refunded"):
    message = "All of the plan's price was refunded."


class WithdrawalTooLate(Refusal, kind=Kind.CONFLICT, reason="withdrawal_too_late"):
    """`facts` have the last day and the article."""

    message = "The time in which the customer could withdraw from the plan is over."


class NotWithdrawn(Refusal, kind=Kind.CONFLICT, reason="not_withdrawn"):
    message = "The customer has not withdrawn from the plan: there is no receipt."


class InstalmentNotFound(Refusal, kind=Kind.NOT_FOUND, reason="instalment_not_found"):
    message = "The plan has no instalment with this number."


class InstalmentClosed(Refusal, kind=Kind.CONFLICT, reason="instalment_closed"):
    message = "The instalment is paid, or is not to be paid any more."


class NothingToPay(Refusal, kind=Kind.CONFLICT, reason="nothing_to_pay"):
    message = "Paying today would give back more costs than there is to pay."


class NotOverdue(Refusal, kind=Kind.CONFLICT, reason="not_overdue"):
    message = "Only a plan in default, or a part that was missed, can be written off."


class AmountChanged(Refusal, kind=Kind.CONFLICT, reason="amount_changed"):
    message = "It comes to another amount by now; look at the plan again."


class InstrumentNotFound(Refusal, kind=Kind.NOT_FOUND, reason="instrument_not_found"):
    message = "The customer has no instrument with this id."


class InstrumentNotUsable(Refusal, kind=Kind.CONFLICT, reason="instrument_not_usable"):
    message = "The instrument is expired or detached; use another."


class DocumentsNotDelivered(Refusal, kind=Kind.CONFLICT, reason="documents_not_delivered"):
    message = "The customer must get the information and the agreement before accepting."


class TextChanged(Refusal, kind=Kind.CONFLICT, reason="text_changed"):
    message = "This is not the agreement that was handed over; show the present one and ask again."


class CreditorDetailsMissing(Refusal, kind=Kind.CONFLICT, reason="creditor_details_missing"):
    message = "Documents need the merchant's address and e-mail: set them in the settings."
