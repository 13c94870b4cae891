"""The pages' words in English."""

from typing import Final

WORDS: Final[dict[str, str]] = {
    "other_language": "Italiano",
    "other_code": "it",
    "test": "Test payment: no real money moves.",
    "payment_to": "Payment to {merchant}",
    "to_pay": "To pay now",
    "details": "What you pay for",
    "item": "Item",
    "quantity_of": "{quantity} × {price}",
    "total": "Total",
    "deposit": "Deposit, due now",
    "later": "Balance, due later",
    "received": "Already received by transfer",
    "still": "Still to pay",
    "paid_now": "Paid now",
    "no_extra": "No fees are added, whichever way you pay.",
    "reference": "Order",
    "pay_by": "Pay by",
    "how": "How would you like to pay?",
    "saved_until": "Saved card · expires {month}/{year}",
    "saved_cards": "Saved cards",
    "expires": "expires {month}/{year}",
    "which_card": "Which card?",
    "new_card": "Card",
    "other_card": "Another card",
    "card_brands": "Credit or debit",
    "card_field": "Card details",
    "card_private": "Your card number goes straight to the payment provider over an encrypted "
    "connection; {merchant} never sees it.",
    "card_loading": "Loading the card form…",
    "card_unreachable": "The card form did not load. Check your connection and try again.",
    "card_failed": "The card could not be read. Check what you typed and try again.",
    "card_no_script": "To type a card number here, JavaScript must be on: it is what takes your "
    "number straight to the payment provider. Turn it on and reload this page, or pay in one of "
    "the other ways.",
    "receipt_email": "E-mail for the receipt (optional)",
    "pay_amount": "Pay {amount}",
    "paying": "Paying…",
    "transfer": "Bank transfer",
    "transfer_hint": "From your bank's app",
    "transfer_how": "Scan the code with your bank's app, or copy the details. The reference tells "
    "{merchant} that the money is yours.",
    "holder": "Account holder",
    "iban": "IBAN",
    "bic": "BIC",
    "creditor_reference": "Reference",
    "amount": "Amount",
    "copy_it": "Copy",
    "copied": "Copied",
    "copy_what": "Copy {what}",
    "qr": "QR code with the details of this transfer",
    "transfer_made": "I have made the transfer",
    "transfer_other": "I prefer to pay in another way",
    "quote_first": "Please read and accept",
    "quote_then": "Then you choose how to pay.",
    "version": "Version {version}",
    "accept": "I accept",
    "accepted_on": "You accepted “{title}” on {moment}.",
    "declined_title": "The payment was not accepted",
    "nothing_charged": "Nothing was charged.",
    "declined_by_bank": "Your bank said no. Try another card or another way of paying, or call "
    "your bank.",
    "declined_funds": "There was not enough money on the card. Try another card or another way of "
    "paying.",
    "declined_other_card": "This card cannot be used. Please use another one.",
    "declined_expired": "This card has expired. Please use another one.",
    "declined_details": "The card details were not right. Check number, expiry and security code, "
    "and try again.",
    "declined_confirmation": "The payment was not confirmed with your bank. Try again and confirm "
    "it when your bank asks.",
    "declined_unreachable": "The card network could not be reached. Please try again in a moment.",
    "declined_otherwise": "The payment could not be made this way. Try another card or another way "
    "of paying.",
    "given_up": "The last try was given up. You can try again.",
    "confirm_title": "Confirm with your bank",
    "confirm_text": "Your bank wants to be sure that it is you. It takes a few seconds, then you "
    "come back here.",
    "confirm_button": "Confirm with your bank",
    "give_up_hint": "Has your bank's page not worked? Until you confirm, nothing is charged.",
    "look_again": "Look again",
    "waiting_help": "Is it taking long? {merchant} can look it up for you.",
    "no_way": "This cannot be paid right now. Nothing was charged: please look again in a moment.",
    "processing_title": "Your payment is being processed",
    "processing_text": "This page shows the outcome by itself. You do not need to pay again.",
    "pending_title": "Your payment is on its way",
    "pending_text": "Your bank has accepted it; the final answer can take a few days. You do not "
    "need to pay again: {merchant} is notified as soon as it has arrived.",
    "transfer_title": "We are waiting for your transfer",
    "transfer_text": "It can take one or two working days. You do not need to pay again: this page "
    "is updated and {merchant} is notified as soon as it has arrived.",
    "paid_title": "Thank you, it is paid",
    "paid_text": "{merchant} has received your payment.",
    "receipt": "Receipt",
    "date": "Date",
    "payee": "Paid to",
    "paid_for": "For",
    "paid_with": "Paid with",
    "number": "Number",
    "print": "Print receipt",
    "go_on": "Continue to {merchant}",
    "later_note": "{merchant} will ask for the balance of {amount} separately.",
    "question": "How satisfied are you with paying this way?",
    "score_1": "Very dissatisfied",
    "score_2": "Dissatisfied",
    "score_3": "Neither",
    "score_4": "Satisfied",
    "score_5": "Very satisfied",
    "rated": "Thank you for your answer. You can still change it.",
    "used_up_title": "This link has been used",
    "used_up_text": "It was paid as often as it can be. If you still want to pay, ask {merchant} "
    "for a new link.",
    "expired_title": "This link has expired",
    "expired_text": "Nothing was charged. Ask {merchant} for a new link.",
    "expired_new": "Nothing was charged. We can send a new link to {recipient}.",
    "send_new": "Send me a new link",
    "settled_title": "This instalment is paid",
    "settled_text": "{merchant} has received it in another way. There is nothing to pay here, and "
    "nothing was charged by this link.",
    "cancelled_title": "This request was withdrawn",
    "cancelled_text": "{merchant} withdrew it. There is nothing to pay, and nothing was charged.",
    "expired_late": "{amount} arrived by transfer after this link had expired. You do not need to "
    "pay again: {merchant} has been notified, and will confirm the payment or refund it.",
    "cancelled_late": "{amount} arrived by transfer after {merchant} had withdrawn this request. "
    "You do not need to do anything: {merchant} has been notified, and will confirm the payment "
    "or refund it.",
    "expired_part": "{amount} of it has arrived by transfer, the rest was not paid. Ask "
    "{merchant} how to go on.",
    "cancelled_part": "{merchant} withdrew it. {amount} of it had arrived by transfer: ask "
    "{merchant} how you get it back.",
    "expired_new_part": "{amount} of it has arrived by transfer. We can send a link for the rest "
    "to {recipient}.",
    "sent_title": "A new link is on its way",
    "sent_text": "We sent it to {recipient}. This address does not work any more.",
    "questions": "Questions? Write to",
    "website": "Go to {merchant}",
    "vat_number": "VAT no.",
    "provided": "Payment page by Incasso",
    "stop_title": "No more reminders?",
    "stop_text": "{merchant} will not remind you of this payment again. The link goes on working.",
    "stop_button": "Stop reminders",
    "stopped_title": "No more reminders",
    "stopped_text": "You will not be reminded of this payment again. You can still pay it.",
    "open_page": "Open the payment page",
    "missing_title": "We do not know this address",
    "missing_text": "It may be incomplete, or have been replaced by a newer one. Open the latest "
    "message that you received, or ask the shop for a new link.",
    "limited_title": "Too many attempts",
    "limited_text": "Please wait a moment, then try again.",
    "foreign_title": "This form came from elsewhere",
    "foreign_text": "Nothing was done. Open the link from your message and try again there.",
    "unreadable_title": "We could not read what your browser sent",
    "unreadable_text": "Nothing was done. Open the link from your message and try again there.",
    "busy_title": "One moment, please",
    "busy_text": "We cannot show this page right now; it looks again by itself. If you have just "
    "paid, you do not need to pay again.",
    "fault_title": "Something went wrong",
    "fault_text": "It is our fault. If you have just paid, you do not need to pay again: please open "
    "your link again in a moment.",
    "notice_paying": "A payment was already under way. Nothing was charged a second time.",
    "notice_paid": "It had been paid already. Nothing was charged a second time.",
    "notice_arrived": "All that is due has arrived by transfer: there is nothing to pay again.",
    "cards_closed": "Too many cards were declined here, so no new one is taken for now. Nothing was "
    "charged.",
    "cards_closed_others": "You can still pay in the other ways on this page.",
    "cards_closed_ask": "Ask {merchant} for another way of paying, or try again tomorrow.",
    "notice_too_many_cards": "Too many cards were declined lately, so this one was not tried. Nothing "
    "was charged: use a saved card or another way of paying, or ask the shop.",
    "notice_order_paid": "This order had been paid already, by another payment. Nothing was charged a "
    "second time: look for its receipt among your messages, or ask the shop.",
    "notice_order_paying": "Another payment of this order is under way. Nothing was charged now: wait "
    "for its end before you pay again, or ask the shop.",
    "notice_closed": "Nothing was charged: this link cannot be paid any more.",
    "notice_changed": "Something has changed meanwhile. Please check it and go on.",
    "notice_quote_first": "Please read and accept the text first. Nothing was charged.",
    "notice_quote_changed": "The text has changed meanwhile. Please read and accept it as it is now.",
    "notice_method": "This way of paying is not available any more. Nothing was charged.",
    "notice_card_gone": "This saved card cannot be used any more. Nothing was charged: please use "
    "another one.",
    "notice_no_cards": "Cards cannot be taken right now. Nothing was charged: please use another way "
    "of paying.",
    "notice_amount_changed": "The amount has changed meanwhile. Nothing was charged: please check it "
    "and pay again.",
    "notice_form_old": "This page was too old or had been changed. Nothing was charged: please "
    "check it and pay now.",
    "notice_form_used": "This form had been sent before, so we did nothing. Please send it again "
    "now.",
    "notice_reissued_lately": "A new link was sent within the last day. Please look in your "
    "messages.",
    "notice_product_gone": "This product is not for sale any more. Nothing was charged.",
    "notice_shop_full": "This shop cannot take orders right now. Nothing was charged.",
    "notice_price_changed": "The price has changed meanwhile. Nothing was charged: please check it and "
    "buy again.",
    "notice_too_many": "You have begun many purchases with this e-mail address and not paid them yet. "
    "Pay one of them, or try again tomorrow.",
    "notice_invalid": "Something in the form was not right. Please check it and try again.",
    "notice_email": "Please type an e-mail address such as giulia@example.com.",
    "notice_name": "Please type your first and last name.",
    "notice_too_many_plans": "Instalments were chosen too often here. Nothing was charged: please use another way of "
    "paying.",
    "notice_unknown": "We did not get an answer in time. If this page still offers to pay, you can "
    "try again: you will not be charged twice.",
    "notice_failed": "That did not work, and it is our fault. Please try again in a moment.",
    "shop_email": "Your e-mail",
    "shop_email_hint": "For the receipt",
    "shop_name": "Your name (optional)",
    "quantity": "Quantity",
    "buy": "Buy",
    "buy_what": "Buy {what}",
    "each": "each",
    "empty_shop": "There is nothing for sale right now. Please come back later.",
    "shop_steps": "You see the total and choose how to pay on the next page.",
    "dialog_wait": "One moment…",
}
