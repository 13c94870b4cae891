-- What was paid online for orders that did not need it is given back.

ALTER TABLE orders
    ADD COLUMN refunded_online_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN kept_link integer,
    DROP CONSTRAINT orders_paid_online,
    ADD CONSTRAINT orders_paid_online CHECK (refunded_online_minor BETWEEN 0 AND paid_online_minor),
    ADD CONSTRAINT orders_kept_link CHECK (kept_link IS NULL OR paid_online_minor > 0);

-- `id` is the key under which payments is asked. `link`: the number of the order's link whose payment it is.
CREATE TABLE online_refunds (
    merchant_id text NOT NULL,
    id text NOT NULL,
    order_id text NOT NULL,
    link integer NOT NULL,
    number integer NOT NULL,
    payment_id text,
    state text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    reference text,
    refusal jsonb,
    told_at timestamptz,
    created_at timestamptz NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now(),
    checks integer NOT NULL DEFAULT 0,
    due_at timestamptz,
    CONSTRAINT online_refunds_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT online_refunds_link FOREIGN KEY (merchant_id, order_id, link)
        REFERENCES order_links (merchant_id, order_id, number),
    CONSTRAINT online_refunds_number UNIQUE (merchant_id, order_id, link, number),
    CONSTRAINT online_refunds_state CHECK (state IN ('started', 'under_way', 'succeeded', 'failed')),
    CONSTRAINT online_refunds_amount CHECK (amount_minor > 0)
);
CREATE INDEX online_refunds_due ON online_refunds (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX online_refunds_payment ON online_refunds (merchant_id, payment_id);
CREATE INDEX order_links_payment ON order_links (merchant_id, payment_id) WHERE payment_id IS NOT NULL;
