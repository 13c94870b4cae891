-- Orders that are paid online instead of at the door, and the payment links by which they are.

ALTER TABLE orders
    ADD COLUMN converted_at timestamptz,
    ADD COLUMN paid_online_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN links integer NOT NULL DEFAULT 0,
    DROP CONSTRAINT orders_state,
    ADD CONSTRAINT orders_state CHECK (state IN (
        'proposed', 'confirmed', 'dispatched', 'out_for_delivery', 'collected', 'refused', 'returned',
        'remitted', 'short', 'overdue', 'cancelled', 'converted'
    )),
    DROP CONSTRAINT orders_acknowledged,
    ADD CONSTRAINT orders_acknowledged CHECK (
        state IN ('proposed', 'confirmed', 'cancelled') OR converted_at IS NOT NULL
        OR acknowledged_minor = to_collect_minor
    ),
    ADD CONSTRAINT orders_converted CHECK (state <> 'converted' OR converted_at IS NOT NULL),
    ADD CONSTRAINT orders_paid_online CHECK ((converted_at IS NULL) = (paid_online_minor = 0));

-- `id` is the key under which paylink is asked. `payment_id`: by which it was paid.
CREATE TABLE order_links (
    merchant_id text NOT NULL,
    id text NOT NULL,
    order_id text NOT NULL,
    number integer NOT NULL,
    purpose text NOT NULL,
    state text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    order_part text NOT NULL,
    payment_link_id text,
    payment_id text,
    paid_minor bigint NOT NULL,
    created_at timestamptz NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now(),
    checks integer NOT NULL,
    due_at timestamptz,
    CONSTRAINT order_links_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT order_links_order FOREIGN KEY (merchant_id, order_id) REFERENCES orders,
    CONSTRAINT order_links_number UNIQUE (merchant_id, order_id, number),
    CONSTRAINT order_links_purpose CHECK (purpose IN ('conversion')),
    CONSTRAINT order_links_state CHECK (state IN ('wanted', 'open', 'closing', 'closed', 'paid')),
    CONSTRAINT order_links_amount CHECK (amount_minor > 0),
    CONSTRAINT order_links_open CHECK (state <> 'open' OR payment_link_id IS NOT NULL)
);
-- One at a time.
CREATE UNIQUE INDEX order_links_one ON order_links (merchant_id, order_id, purpose)
    WHERE state IN ('wanted', 'open');
CREATE INDEX order_links_due ON order_links (due_at) WHERE due_at IS NOT NULL;
