-- Payments that other methods made with our instruments: they count in the history that exemptions
-- from strong authentication look at. Events come in any order, so each sets flags and clears none.
CREATE TABLE payments_elsewhere (
    merchant_id text NOT NULL,
    payment_id text NOT NULL,
    instrument_id text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    challenged boolean NOT NULL,
    succeeded boolean NOT NULL,
    failed boolean NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT payments_elsewhere_pkey PRIMARY KEY (merchant_id, payment_id),
    CONSTRAINT payments_elsewhere_amount CHECK (amount_minor > 0)
);
CREATE INDEX payments_elsewhere_instrument
    ON payments_elsewhere (merchant_id, instrument_id, created_at);
