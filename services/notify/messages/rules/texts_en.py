"""What messages say, in English."""

from typing import Final

from services.notify.messages.rules.domain import Kind
from services.notify.messages.rules.texts import KindWords, Language

_SAFE: Final = (
    "You pay on a secure page: your card number goes straight to the payment provider.",
    "Not expecting this request? Ignore it: nothing is charged.",
)

WORDS: Final = Language(
    greeting="Hello {name},",
    greeting_nobody="Hello,",
    quote="You can read and accept the quote before you pay.",
    description="Description",
    reference="Order",
    total="Total",
    deposit="Deposit, due now",
    received="Already received by transfer",
    still="Still to pay",
    expires="Pay by",
    date="Date",
    more_items="{count} more items",
    plain_url="If the button does not work, copy this address into your browser:",
    stop="Stop reminders of this payment",
    sent_by="Sent on behalf of {merchant}.",
    sent_by_reply="Sent on behalf of {merchant}. You can reply to this e-mail.",
    sent_to_owner="You get this message because you are the contact of {merchant} at Incasso.",
    account="New account",
    in_force="In force from",
    sms_for="for {what}",
    sms_reference="ref. {what}",
    kinds={
        Kind.LINK: KindWords(
            subject="{merchant}: payment request for {amount}",
            preheader="Pay in under a minute, on your phone too.",
            heading="Payment request",
            intro="{merchant} asks you for the payment below.",
            amount_label="To pay now",
            sms="{merchant}please pay {amount}{detail} here: {url}",
            button="Pay now",
            notes=_SAFE,
        ),
        Kind.LINK_REMINDER: KindWords(
            subject="Reminder: {amount} to pay to {merchant}",
            preheader="We have not seen your payment yet.",
            heading="A reminder",
            intro="Your payment to {merchant} has not arrived yet. If you have just paid, there is "
            "nothing left to do.",
            amount_label="To pay now",
            sms="{merchant}reminder, {amount} to pay{detail}: {url}",
            button="Pay now",
            notes=_SAFE,
        ),
        Kind.LINK_REISSUED: KindWords(
            subject="{merchant}: a new link to pay {amount}",
            preheader="The link before it no longer works.",
            heading="Your new link",
            intro="Here is a new link to pay {merchant}. The one before it no longer works.",
            amount_label="To pay now",
            sms="{merchant}new link to pay {amount}{detail}: {url}",
            button="Pay now",
            notes=_SAFE,
        ),
        Kind.CART: KindWords(
            subject="{merchant}: your cart is waiting",
            preheader="We kept your items: {amount}.",
            heading="Your cart is waiting",
            intro="You left something at {merchant}. Complete your order whenever you like.",
            amount_label="Total",
            sms="{merchant}your cart is waiting, {amount}{detail}: {url}",
            button="Complete the order",
            notes=_SAFE,
        ),
        Kind.BALANCE: KindWords(
            subject="{merchant}: balance of {amount}",
            preheader="The deposit is paid, the balance is left.",
            heading="The balance of your order",
            intro="Thank you for the deposit. {merchant} now asks you for the balance.",
            amount_label="Balance to pay",
            sms="{merchant}balance of {amount}{detail} to pay here: {url}",
            button="Pay the balance",
            notes=_SAFE,
        ),
        Kind.RECEIPT: KindWords(
            subject="{merchant}: payment of {amount} received",
            preheader="Thank you, it is paid.",
            heading="Payment received",
            intro="Thank you! {merchant} has received your payment.",
            amount_label="Paid",
            sms="{merchant}payment of {amount}{detail} received. Thank you!",
            notes=("This confirmation is not a tax document.",),
        ),
        Kind.REFUND: KindWords(
            subject="{merchant}: refund of {amount}",
            preheader="The refund is on its way.",
            heading="Refund on its way",
            intro="{merchant} has refunded you.",
            amount_label="Refunded",
            sms="{merchant}refund of {amount}{detail} is on its way.",
            notes=("Depending on your bank it can take a few working days to show.",),
        ),
        Kind.PENDING: KindWords(
            subject="{merchant}: payment of {amount} on its way",
            preheader="All is well: you do not need to pay again.",
            heading="Your payment is on its way",
            intro="Your payment to {merchant} is on its way. All is well: you do not need to pay "
            "again. We will write when it has arrived.",
            amount_label="On its way",
            sms="{merchant}payment of {amount}{detail} is on its way, do not pay again.",
            notes=("The final answer of your bank can take a few days.",),
        ),
        Kind.BANK_ACCOUNT_CHANGE: KindWords(
            subject="{merchant}: another account for bank transfers was asked for",
            preheader="You can stop the change before it takes effect.",
            heading="Another account for bank transfers",
            intro="An API key of {merchant} was used to have bank transfers go to the account "
            "below. Until then the present one stays in force.",
            notes=(
                (
                    "Was it not you? Stop the change with "
                    "POST /v1/merchant/bank-account/cancel-change, revoke the key and tell whoever "
                    "runs Incasso for you."
                ),
            ),
        ),
        Kind.BANK_ACCOUNT_CHANGED: KindWords(
            subject="{merchant}: another account for bank transfers is in force",
            preheader="Bank transfers now go to the new account.",
            heading="The new account is in force",
            intro="Bank transfers to {merchant} now go to the account below.",
            notes=("Was it not you? Tell whoever runs Incasso for you at once.",),
        ),
    },
)
