-- One order, one payment: what the merchant wants of a second one, and the indexes that see it.

CREATE TABLE payment_policies (
    merchant_id text NOT NULL,
    duplicate_orders text NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT payment_policies_pkey PRIMARY KEY (merchant_id),
    CONSTRAINT payment_policies_duplicate_orders CHECK (
        duplicate_orders IN ('refuse', 'flag', 'allow'))
);

ALTER TABLE payments
    ADD COLUMN order_part text NOT NULL DEFAULT '',
    ADD COLUMN duplicate_of text NOT NULL DEFAULT '',
    -- The first payment of its order or part, until it is declined, cancelled or refunded.
    -- Payments of before do not guard; they are found by their state.
    ADD COLUMN guards_order boolean NOT NULL DEFAULT false;

-- The state is not in a predicate: a charge that goes well would write every index again.
CREATE UNIQUE INDEX payments_one_per_order ON payments (merchant_id, order_reference)
    WHERE guards_order AND order_part IN ('', 'deposit');
CREATE UNIQUE INDEX payments_one_per_order_part
    ON payments (merchant_id, order_reference, order_part)
    WHERE guards_order AND order_part <> '';
