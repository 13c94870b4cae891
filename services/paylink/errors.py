"""Every way in which paylink says no. Refusals of its neighbours are passed on with their reasons."""

from libs.errors import Kind, Refusal


class PaymentLinkNotFound(Refusal, kind=Kind.NOT_FOUND, reason="payment_link_not_found"):
    message = "There is no such payment link."


class PaymentLinkClosed(Refusal, kind=Kind.CONFLICT, reason="payment_link_closed"):
    message = "The link was paid or cancelled, or its time is over."


class PaymentLinkPaying(Refusal, kind=Kind.CONFLICT, reason="payment_link_paying"):
    message = "A payment of this link is under way; wait for its end."


class PaymentLinkPaid(Refusal, kind=Kind.CONFLICT, reason="payment_link_paid"):
    message = "The link was paid already; nothing is due any more."


class PaymentLinkNotPaid(Refusal, kind=Kind.CONFLICT, reason="payment_link_not_paid"):
    message = "The link was not paid yet."


class NothingLeftToPay(Refusal, kind=Kind.CONFLICT, reason="nothing_left_to_pay"):
    message = "The link asked for the whole price, or its balance has a link already."


class QuotaExceeded(Refusal, kind=Kind.RATE, reason="quota_exceeded"):
    message = "The plan's number of links for this month is used up."


class BankAccountMissing(Refusal, kind=Kind.CONFLICT, reason="bank_account_missing"):
    message = "Bank transfers need the merchant's bank account; set it with PATCH /v1/merchant."


class BankTransferDiffers(Refusal, kind=Kind.CONFLICT, reason="bank_transfer_differs"):
    message = "A transfer with this bank reference was recorded with another amount or day."


class BankTransferNotFound(Refusal, kind=Kind.NOT_FOUND, reason="bank_transfer_not_found"):
    message = "There is no bank transfer with this id."


class BankTransferSpent(Refusal, kind=Kind.CONFLICT, reason="bank_transfer_spent"):
    message = "Nothing of this transfer is left: links have used it, or it was given back."


class BankTransferDoesNotFit(Refusal, kind=Kind.CONFLICT, reason="bank_transfer_does_not_fit"):
    message = "The transfer is in another currency than the link, or less than one use of it costs."


class BankTransferMovedTooOften(
    Refusal, kind=Kind.CONFLICT, reason="bank_transfer_moved_too_often"
):
    message = "The transfer was given to links too often; give back what is left of it."


class BankTransferChanged(Refusal, kind=Kind.CONFLICT, reason="bank_transfer_changed"):
    message = "Somebody else has disposed of this transfer just now; look at it again."


class MoneyArrivedLate(Refusal, kind=Kind.CONFLICT, reason="money_arrived_late"):
    message = (
        "All that is due arrived after the link's end; settle the transfer with the link,"
        " or give it back."
    )


class CustomerErased(Refusal, kind=Kind.CONFLICT, reason="customer_erased"):
    message = "The customer's data were erased; make the link without a customer, or for another."


class QuoteMissing(Refusal, kind=Kind.CONFLICT, reason="quote_missing"):
    message = "The link has no quote to accept."


class QuoteChanged(Refusal, kind=Kind.CONFLICT, reason="quote_changed"):
    message = "The quote is not the one that was shown; show it again."


class QuoteNotAccepted(Refusal, kind=Kind.CONFLICT, reason="quote_not_accepted"):
    message = "The quote is to be accepted before paying."


class MethodNotOffered(Refusal, kind=Kind.CONFLICT, reason="method_not_offered"):
    message = "The link cannot be paid in this way."


class TooManyPlans(Refusal, kind=Kind.RATE, reason="too_many_plans"):
    message = "Instalments were chosen too often on this link; pay it otherwise."


class AmountChanged(Refusal, kind=Kind.CONFLICT, reason="amount_changed"):
    message = "What is due is not what the page showed; show it again."


class OfferBroken(Refusal, kind=Kind.CONFLICT, reason="offer_broken"):
    message = "The form is not the one that the page showed, or too old; show the page again."


class InstrumentNotFound(Refusal, kind=Kind.NOT_FOUND, reason="instrument_not_found"):
    message = "The link's customer has no card with this id."


class InstrumentNotUsable(Refusal, kind=Kind.CONFLICT, reason="instrument_not_usable"):
    message = "This card cannot be charged any more; choose another."


class ReissuedLately(Refusal, kind=Kind.RATE, reason="reissued_lately"):
    message = "A new address was sent within a day; look for it in the inbox."


class ProductNotFound(Refusal, kind=Kind.NOT_FOUND, reason="product_not_found"):
    message = "The shop has no such product."


class ProductArchived(Refusal, kind=Kind.CONFLICT, reason="product_archived"):
    message = "The product was taken out of the shop; create a new one."


class TooManyProducts(Refusal, kind=Kind.CONFLICT, reason="too_many_products"):
    message = "The shop has as many products as are allowed; archive one first."


class TooManyPurchases(Refusal, kind=Kind.RATE, reason="too_many_purchases"):
    message = "This e-mail address has too many unpaid purchases of today; pay one, or wait a day."


class ShopNotFound(Refusal, kind=Kind.NOT_FOUND, reason="shop_not_found"):
    message = "There is no such shop, or it is closed."


class SlugTaken(Refusal, kind=Kind.CONFLICT, reason="slug_taken"):
    message = "Another shop has this address; choose another slug."


class CartNotFound(Refusal, kind=Kind.NOT_FOUND, reason="cart_not_found"):
    message = "There is no cart with this id."


class CartClosed(Refusal, kind=Kind.CONFLICT, reason="cart_closed"):
    message = (
        "The cart is being recovered, was bought or given up; a new cart needs a new reference."
    )
