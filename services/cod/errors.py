"""Refusals of cash on delivery."""

from libs.errors import Kind, Refusal


class CourierNotFound(Refusal, kind=Kind.NOT_FOUND, reason="courier_not_found"):
    message = "There is no courier with this id."


class CourierArchived(Refusal, kind=Kind.CONFLICT, reason="courier_archived"):
    message = "The courier is archived and cannot be changed; create a new one."


class TooManyCouriers(Refusal, kind=Kind.CONFLICT, reason="too_many_couriers"):
    message = "50 couriers are active, the maximum; archive one that is no longer used."


class FeeWarningNotAcknowledged(Refusal, kind=Kind.CONFLICT, reason="fee_warning_not_acknowledged"):
    """`facts` contain the version of the warning."""

    message = (
        "Charging consumers a fee for a payment method is legally risky: read fee_warning in the"
        " settings, and state in acknowledgement who has read which version."
    )


class CodNotAvailable(Refusal, kind=Kind.CONFLICT, reason="cod_not_available"):
    """`facts` contain the reason, as in offers, and the threshold, if any."""

    message = "The order cannot be paid by cash on delivery."


class OrderExists(Refusal, kind=Kind.CONFLICT, reason="cod_order_exists"):
    """`facts` contain the id and state of the existing order."""

    message = "A cash-on-delivery order with this reference exists already; change or cancel it."


class OrderNotFound(Refusal, kind=Kind.NOT_FOUND, reason="cod_order_not_found"):
    message = "There is no cash-on-delivery order with this id."


class OrderClosed(Refusal, kind=Kind.CONFLICT, reason="cod_order_closed"):
    """`facts` contain its state."""

    message = "The order's state no longer allows this."


class OrderNotConfirmed(Refusal, kind=Kind.CONFLICT, reason="cod_order_not_confirmed"):
    message = "The recipient has not confirmed the order yet; do not dispatch it."


class RecipientUnreachable(Refusal, kind=Kind.CONFLICT, reason="recipient_unreachable"):
    message = "The order is confirmed by a code: add a phone or e-mail of the recipient."


class TooManyCodes(Refusal, kind=Kind.RATE, reason="too_many_codes"):
    message = "An order gets at most five codes, one a minute; wait, or cancel the order."


class CodeWrong(Refusal, kind=Kind.CONFLICT, reason="cod_code_wrong"):
    """The same for every rejected code, whatever the reason."""

    message = "The code is wrong or no longer valid; request a new one."


class CodeOver(Refusal, kind=Kind.CONFLICT, reason="cod_code_over"):
    message = "The order has no valid code."


class AmountNotAcknowledged(Refusal, kind=Kind.CONFLICT, reason="cod_amount_not_acknowledged"):
    """`facts` contain the amount to collect and the acknowledged one, if any."""

    message = "The courier has not acknowledged the amount to collect."


class DepositUnpaid(Refusal, kind=Kind.CONFLICT, reason="cod_deposit_unpaid"):
    """`facts` contain the amount due."""

    message = "The deposit has not been paid yet; dispatch the order once it is."


class DepositNotDue(Refusal, kind=Kind.CONFLICT, reason="cod_deposit_not_due"):
    message = "The order has no deposit to pay: it has none, it was paid, or the order has ended."


class NothingToPayOnline(Refusal, kind=Kind.CONFLICT, reason="cod_nothing_to_pay_online"):
    message = "Nothing is left to pay online: cash was collected, or the deposit covers it."


class NothingToGiveBack(Refusal, kind=Kind.CONFLICT, reason="cod_nothing_to_give_back"):
    message = "No refund of an online payment has failed; there is nothing to retry."


class EventNotFound(Refusal, kind=Kind.NOT_FOUND, reason="courier_event_not_found"):
    message = "There is no courier event with this id."


class EventNotException(Refusal, kind=Kind.CONFLICT, reason="courier_event_not_exception"):
    message = "The courier event is not an exception; there is nothing to resolve."


class RefundNotFound(Refusal, kind=Kind.NOT_FOUND, reason="cod_refund_not_found"):
    message = "There is no cash refund with this id."


class RefundClosed(Refusal, kind=Kind.CONFLICT, reason="cod_refund_closed"):
    """`facts` contain its state."""

    message = "The refund's state does not allow this."


class RefundTooMuch(Refusal, kind=Kind.CONFLICT, reason="cod_refund_too_much"):
    """`facts` contain the collected, refunded (or pending) and remaining amounts."""

    message = "The amount exceeds what was collected and not refunded yet."


class RefundCurrency(Refusal, kind=Kind.CONFLICT, reason="cod_refund_currency"):
    """`facts` contain the order's currency."""

    message = "Only euros can be refunded by SEPA transfer; refund the order another way."


class RefundAccountMissing(Refusal, kind=Kind.CONFLICT, reason="cod_refund_account_missing"):
    message = "The account was deleted; set the account for the refund again."


class RefundDebtorMissing(Refusal, kind=Kind.CONFLICT, reason="cod_refund_debtor_missing"):
    message = "First set refund_account in the settings: the account that pays refunds."


class NoRefundsReady(Refusal, kind=Kind.CONFLICT, reason="no_cod_refunds_ready"):
    message = "No cash refund is ready for the bank, or another export is being created."


class RefundExportNotFound(Refusal, kind=Kind.NOT_FOUND, reason="cod_refund_export_not_found"):
    message = "There is no refund file with this id."


class RefundFileForgotten(Refusal, kind=Kind.CONFLICT, reason="cod_refund_file_forgotten"):
    message = (
        "The file was deleted: it named a customer who was erased, or has expired. Mark refunds"
        " that never reached the bank as failed, so that they go into another file."
    )


class RefundNotInExport(Refusal, kind=Kind.CONFLICT, reason="cod_refund_not_in_export"):
    """`facts` contain the id of one that is not."""

    message = "One of the refunds is not in this file."


class ManifestColumnsMissing(Refusal, kind=Kind.CONFLICT, reason="manifest_columns_missing"):
    message = "First set manifest_columns of the courier: the columns of its manifests."


class EventColumnsMissing(Refusal, kind=Kind.CONFLICT, reason="event_columns_missing"):
    message = "First set event_columns of the courier: the columns of its event files."


class CourierFileUnreadable(Refusal, kind=Kind.INVALID, reason="courier_file_unreadable"):
    """The violations contain line, column and reason."""

    message = "The file is malformed; nothing was applied."


class RemittanceColumnsMissing(Refusal, kind=Kind.CONFLICT, reason="remittance_columns_missing"):
    message = "First set remittance_columns of the courier: the columns of its remittances."


class RemittanceUnreadable(Refusal, kind=Kind.INVALID, reason="remittance_unreadable"):
    """The violations contain line, column and reason."""

    message = "The file is malformed; nothing was applied."


class RemittanceNotFound(Refusal, kind=Kind.NOT_FOUND, reason="remittance_not_found"):
    message = "There is no remittance with this id."


class LineNotFound(Refusal, kind=Kind.NOT_FOUND, reason="remittance_line_not_found"):
    message = "The remittance has no line with this id."


class RemittanceNotCommitted(Refusal, kind=Kind.CONFLICT, reason="remittance_not_committed"):
    message = "The remittance is not booked yet; commit it first."


class LineNotException(Refusal, kind=Kind.CONFLICT, reason="remittance_line_not_exception"):
    message = "The line is not an exception; there is nothing to resolve."


class LineResolved(Refusal, kind=Kind.CONFLICT, reason="remittance_line_resolved"):
    """`facts` contain the closing reason, or the order and parcel it is booked on."""

    message = "The line was already resolved differently."


class LineNotFitting(Refusal, kind=Kind.CONFLICT, reason="remittance_line_not_fitting"):
    """`facts` contain the line's result for that order."""

    message = "The line does not match that order's parcels or open amounts."
