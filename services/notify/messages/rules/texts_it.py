"""What messages say, in Italian (tu)."""

from typing import Final

from services.notify.messages.rules.domain import Kind
from services.notify.messages.rules.texts import KindWords, Language

_SAFE: Final = (
    (
        "Paghi su una pagina protetta: il numero della carta va direttamente al fornitore dei "
        "pagamenti."
    ),
    "Non aspettavi questa richiesta? Ignorala: non ti viene addebitato nulla.",
)

WORDS: Final = Language(
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
    sent_to_owner="Ricevi questo messaggio perché sei il contatto di {merchant} su Incasso.",
    account="Nuovo conto",
    in_force="Attivo dal",
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
            notes=_SAFE,
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
            notes=_SAFE,
        ),
        Kind.LINK_REISSUED: KindWords(
            subject="{merchant}: nuovo link per pagare {amount}",
            preheader="Il link precedente non è più valido.",
            heading="Il tuo nuovo link",
            intro="Ecco un nuovo link per pagare {merchant}. Quello precedente non è più valido.",
            amount_label="Da pagare ora",
            sms="{merchant}nuovo link per pagare {amount}{detail}: {url}",
            button="Paga ora",
            notes=_SAFE,
        ),
        Kind.CART: KindWords(
            subject="{merchant}: il tuo carrello ti aspetta",
            preheader="Abbiamo tenuto da parte i tuoi articoli: {amount}.",
            heading="Il tuo carrello ti aspetta",
            intro="Hai lasciato qualcosa da {merchant}. Puoi concludere l'ordine quando vuoi.",
            amount_label="Totale",
            sms="{merchant}il tuo carrello ti aspetta, {amount}{detail}: {url}",
            button="Concludi l'ordine",
            notes=_SAFE,
        ),
        Kind.BALANCE: KindWords(
            subject="{merchant}: saldo di {amount}",
            preheader="L'acconto è stato pagato, resta il saldo.",
            heading="Il saldo del tuo ordine",
            intro="Grazie per l'acconto. {merchant} ti chiede ora il saldo.",
            amount_label="Saldo da pagare",
            sms="{merchant}saldo di {amount}{detail} da pagare qui: {url}",
            button="Paga il saldo",
            notes=_SAFE,
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
        Kind.BANK_ACCOUNT_CHANGE: KindWords(
            subject="{merchant}: è stato chiesto un nuovo conto per i bonifici",
            preheader="Puoi fermare il cambio prima che sia attivo.",
            heading="Un nuovo conto per i bonifici",
            intro="Con una chiave API di {merchant} è stato chiesto di far arrivare i bonifici "
            "sul conto indicato qui sotto. Fino ad allora vale quello attuale.",
            notes=(
                (
                    "Non sei stato tu? Ferma il cambio con "
                    "POST /v1/merchant/bank-account/cancel-change, revoca la chiave e avvisa chi "
                    "gestisce Incasso per te."
                ),
            ),
        ),
        Kind.BANK_ACCOUNT_CHANGED: KindWords(
            subject="{merchant}: nuovo conto per i bonifici attivo",
            preheader="I bonifici arrivano ora sul nuovo conto.",
            heading="Il nuovo conto è attivo",
            intro="I bonifici a favore di {merchant} arrivano ora sul conto indicato qui sotto.",
            notes=("Non sei stato tu? Avvisa subito chi gestisce Incasso per te.",),
        ),
    },
)
