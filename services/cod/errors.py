"""Every way in which cash on delivery says no."""

from libs.errors import Kind, Refusal


class CourierNotFound(Refusal, kind=Kind.NOT_FOUND, reason="courier_not_found"):
    message = "There is no courier with this id."


class CourierArchived(Refusal, kind=Kind.CONFLICT, reason="courier_archived"):
    message = "The courier is archived and cannot be changed; create another."


class TooManyCouriers(Refusal, kind=Kind.CONFLICT, reason="too_many_couriers"):
    message = "There are 50 active couriers; archive one that is not offered any more."


class FeeWarningNotAcknowledged(Refusal, kind=Kind.CONFLICT, reason="fee_warning_not_acknowledged"):
    """`facts` have the version of the warning."""

    message = (
        "A fee that consumers pay for a means of payment is legally risky: read the settings'"
        " fee_warning, and say in acknowledgement who has read which version."
    )


class CodNotAvailable(Refusal, kind=Kind.CONFLICT, reason="cod_not_available"):
    """`facts` have the reason, as offers name it, and where there is one the threshold."""

    message = "The order cannot be paid at the door."


class OrderExists(Refusal, kind=Kind.CONFLICT, reason="cod_order_exists"):
    """`facts` have the other one's id and state."""

    message = "An order with this reference is to be paid at the door already; change or cancel it."


class OrderNotFound(Refusal, kind=Kind.NOT_FOUND, reason="cod_order_not_found"):
    message = "There is no order to be paid at the door with this id."


class OrderClosed(Refusal, kind=Kind.CONFLICT, reason="cod_order_closed"):
    """`facts` have its state."""

    message = "The order's state does not allow this any more."


class OrderNotConfirmed(Refusal, kind=Kind.CONFLICT, reason="cod_order_not_confirmed"):
    message = "The recipient has not confirmed the order yet; it is not to be dispatched."


class RecipientUnreachable(Refusal, kind=Kind.CONFLICT, reason="recipient_unreachable"):
    message = "The order is confirmed by a code: the recipient needs a phone or an e-mail address."


class TooManyCodes(Refusal, kind=Kind.RATE, reason="too_many_codes"):
    message = "Codes are sent a minute apart, and five for an order at most; or cancel the order."


class CodeWrong(Refusal, kind=Kind.CONFLICT, reason="cod_code_wrong"):
    """The same for every code that confirms nothing, whyever."""

    message = "The code is not right, or not valid any more; have another one sent."


class CodeOver(Refusal, kind=Kind.CONFLICT, reason="cod_code_over"):
    message = "There is no code of this order that is still valid."


class AmountNotAcknowledged(Refusal, kind=Kind.CONFLICT, reason="cod_amount_not_acknowledged"):
    """`facts` have what is to be collected, and what the courier has acknowledged, if anything."""

    message = "The courier has not acknowledged the amount to collect."


class NothingToPayOnline(Refusal, kind=Kind.CONFLICT, reason="cod_nothing_to_pay_online"):
    message = "Part of the order was collected already, or its deposit covers the price."


class NothingToGiveBack(Refusal, kind=Kind.CONFLICT, reason="cod_nothing_to_give_back"):
    message = "No refund of what was paid online was refused; there is nothing to ask for again."


class EventNotFound(Refusal, kind=Kind.NOT_FOUND, reason="courier_event_not_found"):
    message = "No courier has told anything with this id."


class EventNotException(Refusal, kind=Kind.CONFLICT, reason="courier_event_not_exception"):
    message = "Nothing is wrong with what the courier told here; there is nothing to resolve."


class RefundNotFound(Refusal, kind=Kind.NOT_FOUND, reason="cod_refund_not_found"):
    message = "There is no refund of cash with this id."


class RefundClosed(Refusal, kind=Kind.CONFLICT, reason="cod_refund_closed"):
    """`facts` have its state."""

    message = "The refund's state does not allow this."


class RefundTooMuch(Refusal, kind=Kind.CONFLICT, reason="cod_refund_too_much"):
    """`facts` have what was collected, what of it is refunded or to be, and what is left."""

    message = "No more can be refunded than was collected and is not to be refunded yet."


class RefundCurrency(Refusal, kind=Kind.CONFLICT, reason="cod_refund_currency"):
    """`facts` have the order's currency."""

    message = "Only euros can be refunded by SEPA transfer; refund the order in another way."


class RefundAccountMissing(Refusal, kind=Kind.CONFLICT, reason="cod_refund_account_missing"):
    message = "The account was forgotten; name the account that the refund goes to."


class RefundDebtorMissing(Refusal, kind=Kind.CONFLICT, reason="cod_refund_debtor_missing"):
    message = "Say in the settings' refund_account first from which account refunds are paid."


class NoRefundsReady(Refusal, kind=Kind.CONFLICT, reason="no_cod_refunds_ready"):
    message = "No refund of cash is ready for the bank, or others take them right now."


class RefundExportNotFound(Refusal, kind=Kind.NOT_FOUND, reason="cod_refund_export_not_found"):
    message = "There is no file of refunds with this id."


class RefundFileForgotten(Refusal, kind=Kind.CONFLICT, reason="cod_refund_file_forgotten"):
    message = (
        "The file is gone, since it named a customer who was erased, or has grown old. Mark as"
        " failed what the bank was not asked for: it goes into another file."
    )


class RefundNotInExport(Refusal, kind=Kind.CONFLICT, reason="cod_refund_not_in_export"):
    """`facts` have the id of one that is not."""

    message = "A refund that is named is not in this file."


class ManifestColumnsMissing(Refusal, kind=Kind.CONFLICT, reason="manifest_columns_missing"):
    message = "Say in the courier's manifest_columns first where its files have what."


class EventColumnsMissing(Refusal, kind=Kind.CONFLICT, reason="event_columns_missing"):
    message = "Say in the courier's event_columns first where its files have what."


class CourierFileUnreadable(Refusal, kind=Kind.INVALID, reason="courier_file_unreadable"):
    """The violations have line, column and reason."""

    message = "The file is malformed; nothing of it is applied."


class RemittanceColumnsMissing(Refusal, kind=Kind.CONFLICT, reason="remittance_columns_missing"):
    message = "Say in the courier's remittance_columns first where its files have what."


class RemittanceUnreadable(Refusal, kind=Kind.INVALID, reason="remittance_unreadable"):
    """The violations have line, column and reason."""

    message = "The file is malformed; nothing of it is applied."


class RemittanceNotFound(Refusal, kind=Kind.NOT_FOUND, reason="remittance_not_found"):
    message = "There is no remittance with this id."


class LineNotFound(Refusal, kind=Kind.NOT_FOUND, reason="remittance_line_not_found"):
    message = "The remittance has no line with this id."


class RemittanceNotCommitted(Refusal, kind=Kind.CONFLICT, reason="remittance_not_committed"):
    message = "Nothing of the remittance is booked yet; commit it first."


class LineNotException(Refusal, kind=Kind.CONFLICT, reason="remittance_line_not_exception"):
    message = "Nothing is wrong with the line; there is nothing to resolve."


class LineResolved(Refusal, kind=Kind.CONFLICT, reason="remittance_line_resolved"):
    """`facts` have what it was closed as, or the order and parcel on which it is booked."""

    message = "The line was resolved in another way before."


class LineNotFitting(Refusal, kind=Kind.CONFLICT, reason="remittance_line_not_fitting"):
    """`facts` have the result that the line has there by now."""

    message = "The line cannot be booked on that order, as its parcels and money are by now."
