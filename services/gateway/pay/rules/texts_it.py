"""The pages' words in Italian."""

from typing import Final

WORDS: Final[dict[str, str]] = {
    "other_language": "English",
    "other_code": "en",
    "test": "Pagamento di prova: non si muove denaro vero.",
    "payment_to": "Pagamento a {merchant}",
    "to_pay": "Da pagare ora",
    "details": "Che cosa paghi",
    "item": "Voce",
    "quantity_of": "{quantity} × {price}",
    "total": "Totale",
    "deposit": "Acconto, da pagare ora",
    "later": "Saldo, da pagare dopo",
    "received": "Già ricevuto con bonifico",
    "still": "Resta da pagare",
    "paid_now": "Pagato ora",
    "no_extra": "Nessun costo aggiuntivo, qualunque metodo tu scelga.",
    "reference": "Ordine",
    "pay_by": "Paga entro il",
    "how": "Come vuoi pagare?",
    "saved_until": "Carta salvata · scade {month}/{year}",
    "saved_cards": "Carte salvate",
    "expires": "scade {month}/{year}",
    "which_card": "Quale carta?",
    "new_card": "Carta",
    "other_card": "Un'altra carta",
    "card_brands": "Di credito o di debito",
    "card_field": "Dati della carta",
    "card_private": "Il numero della carta va direttamente al fornitore dei pagamenti su una "
    "connessione cifrata; {merchant} non lo vede mai.",
    "card_loading": "Carico il modulo della carta…",
    "card_unreachable": "Il modulo della carta non si è caricato. Controlla la connessione e "
    "riprova.",
    "card_failed": "Non è stato possibile leggere la carta. Controlla i dati e riprova.",
    "card_no_script": "Per scrivere qui il numero di una carta serve JavaScript: è ciò che porta il "
    "numero direttamente al fornitore dei pagamenti. Attivalo e ricarica la pagina, oppure paga in "
    "un altro modo.",
    "receipt_email": "E-mail per la ricevuta (facoltativa)",
    "pay_amount": "Paga {amount}",
    "paying": "Pagamento in corso…",
    "transfer": "Bonifico bancario",
    "transfer_hint": "Dall'app della tua banca",
    "transfer_how": "Inquadra il codice con l'app della tua banca, oppure copia i dati. Il "
    "riferimento dice a {merchant} che il denaro è tuo.",
    "holder": "Intestatario",
    "iban": "IBAN",
    "bic": "BIC",
    "creditor_reference": "Riferimento",
    "amount": "Importo",
    "copy_it": "Copia",
    "copied": "Copiato",
    "copy_what": "Copia {what}",
    "qr": "Codice QR con i dati di questo bonifico",
    "transfer_made": "Ho fatto il bonifico",
    "transfer_other": "Preferisco pagare in un altro modo",
    "quote_first": "Leggi e accetta",
    "quote_then": "Poi scegli come pagare.",
    "version": "Versione {version}",
    "accept": "Accetto",
    "accepted_on": "Hai accettato «{title}» il {moment}.",
    "declined_title": "Il pagamento non è stato accettato",
    "nothing_charged": "Non ti è stato addebitato nulla.",
    "declined_by_bank": "La tua banca ha detto di no. Prova un'altra carta o un altro metodo, "
    "oppure chiama la banca.",
    "declined_funds": "Sulla carta non c'era abbastanza denaro. Prova un'altra carta o un altro "
    "metodo.",
    "declined_other_card": "Questa carta non si può usare. Usane un'altra.",
    "declined_expired": "Questa carta è scaduta. Usane un'altra.",
    "declined_details": "I dati della carta non erano giusti. Controlla numero, scadenza e codice "
    "di sicurezza, e riprova.",
    "declined_confirmation": "Il pagamento non è stato confermato con la tua banca. Riprova e "
    "confermalo quando la banca lo chiede.",
    "declined_unreachable": "Il circuito della carta non era raggiungibile. Riprova tra un "
    "momento.",
    "declined_otherwise": "Non è stato possibile pagare così. Prova un'altra carta o un altro "
    "metodo.",
    "given_up": "L'ultimo tentativo è stato abbandonato. Puoi riprovare.",
    "confirm_title": "Conferma con la tua banca",
    "confirm_text": "La banca vuole essere sicura che sia tu. Bastano pochi secondi, poi torni "
    "qui.",
    "confirm_button": "Conferma con la tua banca",
    "give_up_hint": "La pagina della banca non ha funzionato? Finché non confermi, non ti viene "
    "addebitato nulla.",
    "look_again": "Guarda di nuovo",
    "waiting_help": "Ci vuole molto? {merchant} può verificare per te.",
    "no_way": "In questo momento non si può pagare. Nulla è stato addebitato: riprova tra poco.",
    "processing_title": "Il pagamento è in corso",
    "processing_text": "Questa pagina mostra da sola l'esito. Non devi pagare di nuovo.",
    "pending_title": "Il pagamento è in arrivo",
    "pending_text": "La tua banca lo ha accettato; la risposta definitiva può richiedere qualche "
    "giorno. Non devi pagare di nuovo: {merchant} lo saprà appena arriva.",
    "transfer_title": "Aspettiamo il tuo bonifico",
    "transfer_text": "Può richiedere uno o due giorni lavorativi. Non devi pagare di nuovo: questa "
    "pagina e {merchant} lo sapranno appena arriva.",
    "paid_title": "Grazie, è pagato",
    "paid_text": "{merchant} ha ricevuto il tuo pagamento.",
    "receipt": "Ricevuta",
    "date": "Data",
    "payee": "Pagato a",
    "paid_for": "Per",
    "paid_with": "Pagato con",
    "number": "Numero",
    "print": "Stampa la ricevuta",
    "go_on": "Continua su {merchant}",
    "later_note": "{merchant} chiederà il saldo di {amount} separatamente.",
    "question": "Quanto sei soddisfatto di questo modo di pagare?",
    "score_1": "Molto insoddisfatto",
    "score_2": "Insoddisfatto",
    "score_3": "Indifferente",
    "score_4": "Soddisfatto",
    "score_5": "Molto soddisfatto",
    "rated": "Grazie per la risposta. Puoi ancora cambiarla.",
    "used_up_title": "Questo link è già stato usato",
    "used_up_text": "È stato pagato tutte le volte possibili. Se vuoi ancora pagare, chiedi a "
    "{merchant} un nuovo link.",
    "expired_title": "Questo link è scaduto",
    "expired_text": "Non ti è stato addebitato nulla. Chiedi a {merchant} un nuovo link.",
    "expired_new": "Non ti è stato addebitato nulla. Possiamo mandare un nuovo link a {recipient}.",
    "send_new": "Mandami un nuovo link",
    "settled_title": "Questa rata è pagata",
    "settled_text": "{merchant} l'ha già ricevuta in un altro modo. Qui non c'è nulla da pagare e con "
    "questo link non ti è stato addebitato nulla.",
    "cancelled_title": "Questa richiesta è stata ritirata",
    "cancelled_text": "{merchant} l'ha ritirata. Non c'è nulla da pagare e nulla ti è stato "
    "addebitato.",
    "expired_late": "Dopo la scadenza di questo link è arrivato un bonifico di {amount}. Non devi "
    "pagare di nuovo: {merchant} è stato avvisato e confermerà il pagamento o ti restituirà i "
    "soldi.",
    "cancelled_late": "Dopo che {merchant} ha ritirato questa richiesta è arrivato un bonifico di "
    "{amount}. Non devi fare nulla: {merchant} è stato avvisato e confermerà il pagamento o ti "
    "restituirà i soldi.",
    "expired_part": "{amount} sono già arrivati con bonifico, il resto non è stato pagato. Chiedi "
    "a {merchant} come continuare.",
    "cancelled_part": "{merchant} l'ha ritirata. {amount} erano già arrivati con bonifico: chiedi "
    "a {merchant} come riaverli.",
    "expired_new_part": "{amount} sono già arrivati con bonifico. Possiamo inviare un link per il "
    "resto a {recipient}.",
    "sent_title": "Un nuovo link è in arrivo",
    "sent_text": "Lo abbiamo mandato a {recipient}. Questo indirizzo non funziona più.",
    "questions": "Domande? Scrivi a",
    "website": "Vai su {merchant}",
    "vat_number": "P. IVA",
    "provided": "Pagina di pagamento di Incasso",
    "stop_title": "Niente più promemoria?",
    "stop_text": "{merchant} non ti ricorderà più questo pagamento. Il link continua a funzionare.",
    "stop_button": "Ferma i promemoria",
    "stopped_title": "Niente più promemoria",
    "stopped_text": "Non riceverai altri promemoria di questo pagamento. Puoi ancora pagarlo.",
    "open_page": "Apri la pagina di pagamento",
    "missing_title": "Non conosciamo questo indirizzo",
    "missing_text": "Può essere incompleto, o sostituito da uno più recente. Apri l'ultimo "
    "messaggio che hai ricevuto, o chiedi al negozio un nuovo link.",
    "limited_title": "Troppi tentativi",
    "limited_text": "Aspetta un momento, poi riprova.",
    "foreign_title": "Questo modulo viene da un altro sito",
    "foreign_text": "Non abbiamo fatto nulla. Apri il link dal tuo messaggio e riprova da lì.",
    "unreadable_title": "Non siamo riusciti a leggere ciò che il tuo browser ha inviato",
    "unreadable_text": "Non abbiamo fatto nulla. Apri il link dal tuo messaggio e riprova da lì.",
    "busy_title": "Un momento, per favore",
    "busy_text": "Ora non riusciamo a mostrare questa pagina; si aggiorna da sola. Se hai appena "
    "pagato, non devi pagare di nuovo.",
    "fault_title": "Qualcosa non ha funzionato",
    "fault_text": "È colpa nostra. Se hai appena pagato, non devi pagare di nuovo: apri di nuovo il "
    "link tra un momento.",
    "notice_paying": "Un pagamento era già in corso. Nulla è stato addebitato una seconda volta.",
    "notice_paid": "Era già stato pagato. Nulla è stato addebitato una seconda volta.",
    "notice_arrived": "Tutto il dovuto è arrivato con bonifico: non devi pagare di nuovo.",
    "cards_closed": "Qui sono state rifiutate troppe carte, quindi per ora non se ne accettano di "
    "nuove. Non ti è stato addebitato nulla.",
    "cards_closed_others": "Puoi ancora pagare negli altri modi di questa pagina.",
    "cards_closed_ask": "Chiedi a {merchant} un altro modo di pagare, o riprova domani.",
    "notice_too_many_cards": "Di recente sono state rifiutate troppe carte, quindi questa non è stata "
    "provata. Nulla è stato addebitato: usa una carta salvata o un altro metodo, o chiedi al negozio.",
    "notice_order_paid": "Questo ordine era già stato pagato con un altro pagamento. Nulla è stato "
    "addebitato una seconda volta: cerca la ricevuta tra i tuoi messaggi, o chiedi al negozio.",
    "notice_order_paying": "Un altro pagamento di questo ordine è in corso. Nulla è stato addebitato "
    "ora: aspetta che finisca prima di pagare di nuovo, o chiedi al negozio.",
    "notice_closed": "Nulla è stato addebitato: questo link non si può più pagare.",
    "notice_changed": "Nel frattempo qualcosa è cambiato. Controlla e prosegui.",
    "notice_quote_first": "Prima leggi e accetta il testo. Nulla è stato addebitato.",
    "notice_quote_changed": "Nel frattempo il testo è cambiato. Leggilo e accettalo così com'è ora.",
    "notice_method": "Questo metodo non è più disponibile. Nulla è stato addebitato.",
    "notice_card_gone": "Questa carta salvata non si può più usare. Nulla è stato addebitato: usane "
    "un'altra.",
    "notice_no_cards": "Ora non si possono accettare carte. Nulla è stato addebitato: paga in un altro "
    "modo.",
    "notice_amount_changed": "Nel frattempo l'importo è cambiato. Nulla è stato addebitato: controlla "
    "e paga di nuovo.",
    "notice_form_old": "Questa pagina era troppo vecchia o era stata modificata. Nulla è stato "
    "addebitato: controlla e paga ora.",
    "notice_form_used": "Questo modulo era già stato inviato, quindi non abbiamo fatto nulla. Invialo "
    "di nuovo adesso.",
    "notice_reissued_lately": "Un nuovo link è stato mandato nell'ultimo giorno. Guarda tra i tuoi "
    "messaggi.",
    "notice_product_gone": "Questo prodotto non è più in vendita. Nulla è stato addebitato.",
    "notice_shop_full": "Ora questo negozio non può accettare ordini. Nulla è stato addebitato.",
    "notice_price_changed": "Nel frattempo il prezzo è cambiato. Nulla è stato addebitato: controlla e "
    "compra di nuovo.",
    "notice_too_many": "Con questo indirizzo e-mail hai iniziato molti acquisti senza ancora pagarli. "
    "Pagane uno, oppure riprova domani.",
    "notice_invalid": "Qualcosa nel modulo non era giusto. Controlla e riprova.",
    "notice_email": "Scrivi un indirizzo e-mail come giulia@example.com.",
    "notice_name": "Scrivi il tuo nome e cognome.",
    "notice_too_many_plans": "Qui le rate sono state scelte troppe volte. Nulla è stato addebitato: paga in un altro "
    "modo.",
    "notice_unknown": "Non abbiamo avuto risposta in tempo. Se questa pagina ti propone ancora di "
    "pagare, puoi riprovare: non pagherai due volte.",
    "notice_failed": "Non ha funzionato, ed è colpa nostra. Riprova tra un momento.",
    "shop_email": "La tua e-mail",
    "shop_email_hint": "Per la ricevuta",
    "shop_name": "Il tuo nome (facoltativo)",
    "quantity": "Quantità",
    "buy": "Compra",
    "buy_what": "Compra {what}",
    "each": "l'uno",
    "empty_shop": "Ora non c'è nulla in vendita. Torna più tardi.",
    "shop_steps": "Vedi il totale e scegli come pagare nella prossima pagina.",
    "dialog_wait": "Un momento…",
}
