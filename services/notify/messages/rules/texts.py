"""The words of messages, Italian (tu) and English. `{…}` are filled by emails.py.

They are those of the gateway's pay pages, where both name the same thing; a test compares them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.notify.messages.rules.domain import Kind


@dataclass(frozen=True, slots=True)
class KindWords:
    subject: str
    preheader: str
    heading: str
    intro: str
    amount_label: str
    sms: str
    button: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Language:
    greeting: str
    greeting_nobody: str
    quote: str
    description: str
    reference: str
    total: str
    deposit: str
    received: str
    still: str
    expires: str
    date: str
    more_items: str
    plain_url: str
    stop: str
    sent_by: str
    sent_by_reply: str
    sms_for: str
    sms_reference: str
    kinds: Mapping[Kind, KindWords]


_SAFE_IT: Final = (
    (
        "Paghi su una pagina protetta: il numero della carta va direttamente al fornitore dei "
        "pagamenti."
    ),
    "Non aspettavi questa richiesta? Ignorala: non ti viene addebitato nulla.",
)
_SAFE_EN: Final = (
    "You pay on a secure page: your card number goes straight to the payment provider.",
    "Not expecting this request? Ignore it: nothing is charged.",
)

_IT: Final = Language(
    greeting="Ciao {name},",
    greeting_nobody="Ciao,",
    quote="Prima di pagare puoi leggere e accettare il preventivo.",
    description="Descrizione",
    reference="Ordine",
    total="Totale",
    deposit="Acconto, da pagare ora",
    received="Già ricevuto con bonifico",
    still="Resta da pagare",
    expires="Paga entro il",
    date="Data",
    more_items="Altri articoli: {count}",
    plain_url="Se il pulsante non funziona, copia questo indirizzo nel browser:",
    stop="Ferma i promemoria di questo pagamento",
    sent_by="Messaggio inviato per conto di {merchant}.",
    sent_by_reply="Messaggio inviato per conto di {merchant}. Puoi rispondere a questa e-mail.",
    sms_for="per {what}",
    sms_reference="rif. {what}",
    kinds={
        Kind.LINK: KindWords(
            subject="{merchant}: richiesta di pagamento di {amount}",
            preheader="Paghi in meno di un minuto, anche dal telefono.",
            heading="Richiesta di pagamento",
            intro="{merchant} ti chiede il pagamento indicato qui sotto.",
            amount_label="Da pagare ora",
            sms="{merchant}paga {amount}{detail} qui: {url}",
            button="Paga ora",
            notes=_SAFE_IT,
        ),
        Kind.LINK_REMINDER: KindWords(
            subject="Promemoria: {amount} da pagare a {merchant}",
            preheader="Il pagamento non risulta ancora arrivato.",
            heading="Un promemoria",
            intro="Il pagamento a {merchant} non risulta ancora arrivato. Se hai appena "
            "pagato, non devi fare altro.",
            amount_label="Da pagare ora",
            sms="{merchant}promemoria, {amount} da pagare{detail}: {url}",
            button="Paga ora",
            notes=_SAFE_IT,
        ),
        Kind.LINK_REISSUED: KindWords(
            subject="{merchant}: nuovo link per pagare {amount}",
            preheader="Il link precedente non è più valido.",
            heading="Il tuo nuovo link",
            intro="Ecco un nuovo link per pagare {merchant}. Quello precedente non è più valido.",
            amount_label="Da pagare ora",
            sms="{merchant}nuovo link per pagare {amount}{detail}: {url}",
            button="Paga ora",
            notes=_SAFE_IT,
        ),
        Kind.CART: KindWords(
            subject="{merchant}: il tuo carrello ti aspetta",
            preheader="Abbiamo tenuto da parte i tuoi articoli: {amount}.",
            heading="Il tuo carrello ti aspetta",
            intro="Hai lasciato qualcosa da {merchant}. Puoi concludere l'ordine quando vuoi.",
            amount_label="Totale",
            sms="{merchant}il tuo carrello ti aspetta, {amount}{detail}: {url}",
            button="Concludi l'ordine",
            notes=_SAFE_IT,
        ),
        Kind.BALANCE: KindWords(
            subject="{merchant}: saldo di {amount}",
            preheader="L'acconto è stato pagato, resta il saldo.",
            heading="Il saldo del tuo ordine",
            intro="Grazie per l'acconto. {merchant} ti chiede ora il saldo.",
            amount_label="Saldo da pagare",
            sms="{merchant}saldo di {amount}{detail} da pagare qui: {url}",
            button="Paga il saldo",
            notes=_SAFE_IT,
        ),
        Kind.RECEIPT: KindWords(
            subject="{merchant}: pagamento di {amount} ricevuto",
            preheader="Grazie, è pagato.",
            heading="Pagamento ricevuto",
            intro="Grazie! {merchant} ha ricevuto il tuo pagamento.",
            amount_label="Pagato",
            sms="{merchant}pagamento di {amount}{detail} ricevuto. Grazie!",
            notes=("Questa conferma non è un documento fiscale.",),
        ),
        Kind.REFUND: KindWords(
            subject="{merchant}: rimborso di {amount}",
            preheader="Il rimborso è stato disposto.",
            heading="Rimborso disposto",
            intro="{merchant} ha disposto un rimborso a tuo favore.",
            amount_label="Rimborsato",
            sms="{merchant}rimborso di {amount}{detail} disposto.",
            notes=("A seconda della tua banca può servire qualche giorno lavorativo per vederlo.",),
        ),
        Kind.PENDING: KindWords(
            subject="{merchant}: pagamento di {amount} in arrivo",
            preheader="È tutto a posto: non devi pagare di nuovo.",
            heading="Il pagamento è in arrivo",
            intro="Il tuo pagamento a {merchant} è in arrivo. È tutto a posto: non devi pagare di "
            "nuovo. Ti scriveremo quando sarà arrivato.",
            amount_label="In arrivo",
            sms="{merchant}pagamento di {amount}{detail} in arrivo, non devi pagare di nuovo.",
            notes=("La risposta definitiva della tua banca può richiedere qualche giorno.",),
        ),
    },
)

_EN: Final = Language(
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
            notes=_SAFE_EN,
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
            notes=_SAFE_EN,
        ),
        Kind.LINK_REISSUED: KindWords(
            subject="{merchant}: a new link to pay {amount}",
            preheader="The link before it no longer works.",
            heading="Your new link",
            intro="Here is a new link to pay {merchant}. The one before it no longer works.",
            amount_label="To pay now",
            sms="{merchant}new link to pay {amount}{detail}: {url}",
            button="Pay now",
            notes=_SAFE_EN,
        ),
        Kind.CART: KindWords(
            subject="{merchant}: your cart is waiting",
            preheader="We kept your items: {amount}.",
            heading="Your cart is waiting",
            intro="You left something at {merchant}. Complete your order whenever you like.",
            amount_label="Total",
            sms="{merchant}your cart is waiting, {amount}{detail}: {url}",
            button="Complete the order",
            notes=_SAFE_EN,
        ),
        Kind.BALANCE: KindWords(
            subject="{merchant}: balance of {amount}",
            preheader="The deposit is paid, the balance is left.",
            heading="The balance of your order",
            intro="Thank you for the deposit. {merchant} now asks you for the balance.",
            amount_label="Balance to pay",
            sms="{merchant}balance of {amount}{detail} to pay here: {url}",
            button="Pay the balance",
            notes=_SAFE_EN,
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
    },
)

WORDS: Final[Mapping[str, Language]] = {"it": _IT, "en": _EN}
