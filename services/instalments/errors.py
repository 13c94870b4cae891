"""The refusals of instalments."""

from libs.errors import Kind, Refusal


class TermsNotFound(Refusal, kind=Kind.NOT_FOUND, reason="terms_not_found"):
    message = "There are no instalment terms with this id."


class TooManyTerms(Refusal, kind=Kind.CONFLICT, reason="too_many_terms"):
    message = "The merchant already has 50 active instalment terms; archive one first."


class QuoteNotFound(Refusal, kind=Kind.NOT_FOUND, reason="quote_not_found"):
    message = "There is no instalment quote with this id."


class NotOffered(Refusal, kind=Kind.CONFLICT, reason="instalments_not_offered"):
    """`facts` give the offer's reason, and its threshold or article."""

    message = "These terms are not available for this order."


class QuoteExpired(Refusal, kind=Kind.CONFLICT, reason="quote_expired"):
    message = "The quote has expired; create a new one."


class QuoteUsed(Refusal, kind=Kind.CONFLICT, reason="quote_used"):
    message = "A plan has already been created from this quote."


class CustomerErased(Refusal, kind=Kind.CONFLICT, reason="customer_erased"):
    message = "The customer's data has been erased."


class PlanNotFound(Refusal, kind=Kind.NOT_FOUND, reason="plan_not_found"):
    message = "There is no instalment plan with this id."


class PlanInReview(Refusal, kind=Kind.CONFLICT, reason="plan_in_review"):
    message = "The plan is in review; it can be signed once it is approved."


class ReviewClosed(Refusal, kind=Kind.CONFLICT, reason="review_closed"):
    message = "The plan is not in review: it was decided, has ended, or was never reviewed."


class PlanNotCancellable(Refusal, kind=Kind.CONFLICT, reason="plan_not_cancellable"):
    message = "The plan can no longer be cancelled: its first payment is in progress or paid."


class PlanClosed(Refusal, kind=Kind.CONFLICT, reason="plan_closed"):
    message = "The plan can no longer be signed: it has expired or was cancelled."


class PlanOfPartner(Refusal, kind=Kind.CONFLICT, reason="plan_of_partner"):
    message = "A partner gives this credit, with its documents and contract; let the partner pay."


class PlanNotOfPartner(Refusal, kind=Kind.CONFLICT, reason="plan_not_of_partner"):
    message = "No partner gives this credit; deliver the documents and have the plan signed."


class PlanPaid(Refusal, kind=Kind.CONFLICT, reason="plan_paid"):
    message = "The first part of the plan has already been paid."


class PlanBusy(Refusal, kind=Kind.CONFLICT, reason="plan_busy"):
    message = "A payment of the plan is in progress; wait for its outcome."


class PlanNotActive(Refusal, kind=Kind.CONFLICT, reason="plan_not_active"):
    message = "The plan is not active: its first part is unpaid, or the plan has ended."


class NothingToGiveBack(Refusal, kind=Kind.CONFLICT, reason="nothing_to_give_back"):
    message = "The plan has no failed refund to retry, or the refund is already in progress."


class PlanRefunded(Refusal, kind=Kind.CONFLICT, reason="plan_refunded"):
    message = "The plan's price has been fully refunded."


class WithdrawalTooLate(Refusal, kind=Kind.CONFLICT, reason="withdrawal_too_late"):
    """`facts` give the last day and the article."""

    message = "The period in which the customer could withdraw from the plan is over."


class NotWithdrawn(Refusal, kind=Kind.CONFLICT, reason="not_withdrawn"):
    message = "The customer has not withdrawn from the plan, so there is no receipt."


class InstalmentNotFound(Refusal, kind=Kind.NOT_FOUND, reason="instalment_not_found"):
    message = "The plan has no instalment with this number."


class InstalmentClosed(Refusal, kind=Kind.CONFLICT, reason="instalment_closed"):
    message = "The instalment has been paid, or is no longer owed."


class DeferralTooLong(Refusal, kind=Kind.UNPROCESSABLE, reason="deferral_too_long"):
    message = "With later dates the plan would become consumer credit, which was not agreed."


class NothingToPay(Refusal, kind=Kind.CONFLICT, reason="nothing_to_pay"):
    message = "There is nothing to pay today: the rebate exceeds the amount."


class NotOverdue(Refusal, kind=Kind.CONFLICT, reason="not_overdue"):
    message = "Only a defaulted plan or a missed part can be written off."


class AmountChanged(Refusal, kind=Kind.CONFLICT, reason="amount_changed"):
    message = "The amount has changed; look at the plan again."


class InstrumentNotFound(Refusal, kind=Kind.NOT_FOUND, reason="instrument_not_found"):
    message = "The customer has no instrument with this id."


class InstrumentNotUsable(Refusal, kind=Kind.CONFLICT, reason="instrument_not_usable"):
    message = "The instrument has expired or was detached; use another."


class DocumentsNotDelivered(Refusal, kind=Kind.CONFLICT, reason="documents_not_delivered"):
    message = "Deliver the information and the agreement to the customer before signing."


class TextChanged(Refusal, kind=Kind.CONFLICT, reason="text_changed"):
    message = "This is not the agreement that was delivered; show the current one and ask again."


class CreditorDetailsMissing(Refusal, kind=Kind.CONFLICT, reason="creditor_details_missing"):
    message = "Documents need the merchant's address and e-mail; add them to the settings."
