"""The refusals of paylink. Those of other services are passed on with their own reasons."""

from libs.errors import Kind, Refusal


class PaymentLinkNotFound(Refusal, kind=Kind.NOT_FOUND, reason="payment_link_not_found"):
    message = "There is no payment link with this id."


class PaymentLinkClosed(Refusal, kind=Kind.CONFLICT, reason="payment_link_closed"):
    message = "The link has been paid or cancelled, or has expired."


class PaymentLinkPaying(Refusal, kind=Kind.CONFLICT, reason="payment_link_paying"):
    message = "A payment of this link is in progress; wait for its outcome."


class PaymentLinkPaid(Refusal, kind=Kind.CONFLICT, reason="payment_link_paid"):
    message = "The link has already been paid; nothing is due any more."


class PaymentLinkNotPaid(Refusal, kind=Kind.CONFLICT, reason="payment_link_not_paid"):
    message = "The link has not been paid yet."


class NothingLeftToPay(Refusal, kind=Kind.CONFLICT, reason="nothing_left_to_pay"):
    message = "The link asked for the full price, or there is already a link for its balance."


class QuotaExceeded(Refusal, kind=Kind.RATE, reason="quota_exceeded"):
    message = "The plan's links for this month are used up."


class BankAccountMissing(Refusal, kind=Kind.CONFLICT, reason="bank_account_missing"):
    message = "Bank transfers need the merchant's bank account; set it with PATCH /v1/merchant."


class BankTransferDiffers(Refusal, kind=Kind.CONFLICT, reason="bank_transfer_differs"):
    message = "A transfer with this bank reference is already recorded with another amount or date."


class BankTransferNotFound(Refusal, kind=Kind.NOT_FOUND, reason="bank_transfer_not_found"):
    message = "There is no bank transfer with this id."


class BankTransferSpent(Refusal, kind=Kind.CONFLICT, reason="bank_transfer_spent"):
    message = "Nothing is left of this transfer: it was used for links, or returned."


class BankTransferDoesNotFit(Refusal, kind=Kind.CONFLICT, reason="bank_transfer_does_not_fit"):
    message = "The transfer is in another currency than the link, or below the price of one use."


class BankTransferMovedTooOften(
    Refusal, kind=Kind.CONFLICT, reason="bank_transfer_moved_too_often"
):
    message = "The transfer has been moved between links too often; return the rest to the payer."


class BankTransferChanged(Refusal, kind=Kind.CONFLICT, reason="bank_transfer_changed"):
    message = "Somebody else has just changed this transfer; look at it again."


class MoneyArrivedLate(Refusal, kind=Kind.CONFLICT, reason="money_arrived_late"):
    message = (
        "The full amount arrived after the link had ended; settle the transfer with the link, or"
        " return it."
    )


class CustomerErased(Refusal, kind=Kind.CONFLICT, reason="customer_erased"):
    message = "The customer's data has been erased; create the link without this customer."


class QuoteMissing(Refusal, kind=Kind.CONFLICT, reason="quote_missing"):
    message = "The link has no quote to accept."


class QuoteChanged(Refusal, kind=Kind.CONFLICT, reason="quote_changed"):
    message = "The quote has changed since it was shown; show it again."


class QuoteNotAccepted(Refusal, kind=Kind.CONFLICT, reason="quote_not_accepted"):
    message = "The quote has to be accepted before paying."


class MethodNotOffered(Refusal, kind=Kind.CONFLICT, reason="method_not_offered"):
    message = "The link does not offer this payment method."


class TooManyPlans(Refusal, kind=Kind.RATE, reason="too_many_plans"):
    message = "Instalments have been chosen too often on this link; pay it in another way."


class AmountChanged(Refusal, kind=Kind.CONFLICT, reason="amount_changed"):
    message = "The amount due has changed since the page was shown; show it again."


class OfferBroken(Refusal, kind=Kind.CONFLICT, reason="offer_broken"):
    message = "The form has been altered or is too old; show the page again."


class InstrumentNotFound(Refusal, kind=Kind.NOT_FOUND, reason="instrument_not_found"):
    message = "The link's customer has no card with this id."


class InstrumentNotUsable(Refusal, kind=Kind.CONFLICT, reason="instrument_not_usable"):
    message = "This card can no longer be charged; choose another."


class ReissuedLately(Refusal, kind=Kind.RATE, reason="reissued_lately"):
    message = "A new address was sent within the last day; look for it in the inbox."


class ProductNotFound(Refusal, kind=Kind.NOT_FOUND, reason="product_not_found"):
    message = "The shop has no product with this id."


class ProductArchived(Refusal, kind=Kind.CONFLICT, reason="product_archived"):
    message = "The product is archived; create a new one."


class PictureRefused(Refusal, kind=Kind.UNPROCESSABLE, reason="picture_refused"):
    message = "This image cannot be used as a picture of a product."


class PictureNotFound(Refusal, kind=Kind.NOT_FOUND, reason="picture_not_found"):
    message = "There is no picture with this name; it may have been replaced."


class TooManyProducts(Refusal, kind=Kind.CONFLICT, reason="too_many_products"):
    message = "The shop has the maximum number of products; archive one first."


class TooManyPurchases(Refusal, kind=Kind.RATE, reason="too_many_purchases"):
    message = "This e-mail address has too many unpaid purchases today; pay one, or wait a day."


class ShopNotFound(Refusal, kind=Kind.NOT_FOUND, reason="shop_not_found"):
    message = "This shop does not exist, or is closed."


class SlugTaken(Refusal, kind=Kind.CONFLICT, reason="slug_taken"):
    message = "Another shop has this address; choose another slug."


class CartNotFound(Refusal, kind=Kind.NOT_FOUND, reason="cart_not_found"):
    message = "There is no cart with this id."


class CartClosed(Refusal, kind=Kind.CONFLICT, reason="cart_closed"):
    message = (
        "The cart is being recovered, was bought or given up; use a new reference for a new cart."
    )
