-- What each payout was expected to bring so far, whatever became of it: a line that comes later is expected by itself.
-- After an item of a payout has been matched or written off, the next one of the same payout has an id of its own.
CREATE TABLE payouts (
    merchant_id text NOT NULL,
    id text NOT NULL,
    party text NOT NULL,
    payout_reference text NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    CONSTRAINT payouts_pkey PRIMARY KEY (merchant_id, id)
);
CREATE INDEX payouts_by_reference ON payouts (merchant_id, party, payout_reference);
INSERT INTO payouts (merchant_id, id, party, payout_reference, currency, amount_minor)
SELECT merchant_id, 'pyo_' || left(md5(party || ' ' || payout_reference || ' ' || currency), 26), party, payout_reference,
    currency, sum(net_minor)
FROM settlement_lines WHERE payout_reference IS NOT NULL AND kind <> 'payout'
GROUP BY merchant_id, party, payout_reference, currency;

-- Payers' names, accounts and texts grow old.
CREATE INDEX bank_lines_personal ON bank_lines (created_at)
    WHERE counterparty_name IS NOT NULL OR counterparty_account IS NOT NULL OR text IS NOT NULL;
CREATE INDEX settlement_lines_personal ON settlement_lines (created_at)
    WHERE counterparty_name IS NOT NULL OR text IS NOT NULL;

-- A payer without an account is known by its name.
CREATE INDEX bank_lines_by_payer ON bank_lines (merchant_id, counterparty_name) WHERE counterparty_name IS NOT NULL;
