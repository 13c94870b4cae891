-- Money that arrived can be given to a link later, or back to its payer, with an account of each step.

-- `booking`: the bank's reference in its normal form; null for a booking that had been recorded
-- twice before references were compared in it. `candidates`: links that the text may mean.
ALTER TABLE bank_transfers
    ADD COLUMN booking text,
    ADD COLUMN candidates text[] NOT NULL DEFAULT '{}';
UPDATE bank_transfers AS transfer SET booking = first.booking
FROM (
    SELECT DISTINCT ON (merchant_id, booking) merchant_id, id, booking
    FROM (
        SELECT merchant_id, id,
            upper(regexp_replace(normalize(bank_reference, NFKC), '\s', '', 'g')) AS booking
        FROM bank_transfers
    ) AS every
    ORDER BY merchant_id, booking, id
) AS first
WHERE (transfer.merchant_id, transfer.id) = (first.merchant_id, first.id);
ALTER TABLE bank_transfers
    ADD CONSTRAINT bank_transfers_one_per_booking UNIQUE (merchant_id, booking);
ALTER TABLE bank_transfers DROP CONSTRAINT bank_transfers_state;
ALTER TABLE bank_transfers ADD CONSTRAINT bank_transfers_state CHECK (
    state IN ('unmatched', 'late', 'matched', 'partial', 'surplus', 'given_back')
);
CREATE INDEX bank_transfers_of_link ON bank_transfers (merchant_id, link_id, id)
    WHERE link_id IS NOT NULL;
DROP INDEX bank_transfers_link;

-- Where the money of a transfer went, step by step; without a link: to the payer.
CREATE TABLE bank_transfer_moves (
    merchant_id text NOT NULL,
    id text NOT NULL,
    transfer_id text NOT NULL,
    kind text NOT NULL,
    amount_minor bigint NOT NULL,
    link_id text,
    made_by text NOT NULL,
    note text,
    made_at timestamptz NOT NULL,
    CONSTRAINT bank_transfer_moves_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT bank_transfer_moves_transfer_fkey FOREIGN KEY (merchant_id, transfer_id)
        REFERENCES bank_transfers,
    CONSTRAINT bank_transfer_moves_kind CHECK (
        kind IN ('matched', 'settled', 'taken_back', 'given_back')
    ),
    CONSTRAINT bank_transfer_moves_link CHECK ((kind = 'given_back') = (link_id IS NULL)),
    CONSTRAINT bank_transfer_moves_amount CHECK (amount_minor > 0)
);
CREATE INDEX bank_transfer_moves_transfer ON bank_transfer_moves (merchant_id, transfer_id, id);
INSERT INTO bank_transfer_moves
    (merchant_id, id, transfer_id, kind, amount_minor, link_id, made_by, made_at)
SELECT merchant_id, 'tmv_' || substr(id, 5), id, 'matched', amount_minor - surplus_minor, link_id,
    'paylink', created_at
FROM bank_transfers
WHERE state <> 'unmatched' AND surplus_minor < amount_minor AND link_id IS NOT NULL;
