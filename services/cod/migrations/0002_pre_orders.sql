-- Orders that are paid at the door, their parcels and codes, what couriers told of them, and who has refused.

ALTER TABLE settings
    ADD COLUMN confirmation_needed boolean NOT NULL DEFAULT false,
    ADD COLUMN refusals jsonb NOT NULL DEFAULT '{}';

CREATE TABLE orders (
    merchant_id text NOT NULL,
    id text NOT NULL,
    state text NOT NULL,
    order_reference text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    fee_minor bigint NOT NULL,
    fee_net_minor bigint NOT NULL,
    fee_vat_minor bigint NOT NULL,
    deposit_minor bigint NOT NULL,
    to_collect_minor bigint NOT NULL,
    collected_minor bigint NOT NULL,
    cut_minor bigint NOT NULL,
    courier_id text NOT NULL,
    mode text NOT NULL,
    recipient_name text,
    recipient_email text,
    recipient_phone text,
    address_street text,
    address_town text,
    address_country text NOT NULL,
    address_postcode text,
    customer_id text,
    locale text NOT NULL,
    lines jsonb NOT NULL,
    categories text[] NOT NULL,
    failed_methods text[] NOT NULL,
    deposit_asked_minor bigint,
    needs_confirmation boolean NOT NULL,
    confirmed_minor bigint,
    acknowledged_minor bigint,
    attempts integer NOT NULL,
    changes integer NOT NULL,
    metadata jsonb NOT NULL,
    trace_id text NOT NULL,
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    dispatched_at timestamptz,
    collected_at timestamptz,
    ended_at timestamptz,
    CONSTRAINT orders_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT orders_courier FOREIGN KEY (merchant_id, courier_id) REFERENCES couriers,
    CONSTRAINT orders_state CHECK (state IN (
        'proposed', 'confirmed', 'dispatched', 'out_for_delivery', 'collected', 'refused', 'returned',
        'remitted', 'short', 'overdue', 'cancelled'
    )),
    CONSTRAINT orders_sum CHECK (to_collect_minor = amount_minor + fee_minor - deposit_minor),
    CONSTRAINT orders_amounts CHECK (amount_minor > 0 AND fee_minor >= 0 AND deposit_minor >= 0 AND to_collect_minor > 0),
    CONSTRAINT orders_fee CHECK (fee_minor = fee_net_minor + fee_vat_minor),
    CONSTRAINT orders_collected CHECK (collected_minor BETWEEN 0 AND to_collect_minor),
    CONSTRAINT orders_acknowledged CHECK (
        state IN ('proposed', 'confirmed', 'cancelled') OR acknowledged_minor = to_collect_minor
    )
);
-- One order is not to be paid at the door twice: only what is gone leaves its reference free.
CREATE UNIQUE INDEX orders_live ON orders (merchant_id, order_reference)
    WHERE state NOT IN ('cancelled', 'returned');
CREATE INDEX orders_reference ON orders (merchant_id, order_reference, id);
CREATE INDEX orders_state_id ON orders (merchant_id, state, id);
CREATE INDEX orders_courier_id ON orders (merchant_id, courier_id, id);
CREATE INDEX orders_age ON orders (created_at) WHERE recipient_name IS NOT NULL;
CREATE INDEX orders_customer ON orders (merchant_id, customer_id) WHERE customer_id IS NOT NULL;

-- Parcels by their courier's number; `position`: of the order, from 0.
CREATE TABLE parcels (
    merchant_id text NOT NULL,
    courier_id text NOT NULL,
    tracking_number text NOT NULL,
    order_id text NOT NULL,
    position integer NOT NULL,
    state text NOT NULL,
    to_collect_minor bigint NOT NULL,
    collected_minor bigint NOT NULL,
    collected_in text,
    collected_at timestamptz,
    last_event_at timestamptz,
    CONSTRAINT parcels_pkey PRIMARY KEY (merchant_id, courier_id, tracking_number),
    CONSTRAINT parcels_order FOREIGN KEY (merchant_id, order_id) REFERENCES orders,
    CONSTRAINT parcels_state CHECK (
        state IN ('acknowledged', 'out_for_delivery', 'collected', 'refused', 'returned')
    ),
    CONSTRAINT parcels_amounts CHECK (to_collect_minor >= 0 AND collected_minor >= 0),
    CONSTRAINT parcels_collected CHECK ((state = 'collected') = (collected_at IS NOT NULL))
);
CREATE INDEX parcels_of_order ON parcels (merchant_id, order_id, position);

-- How orders were before they were changed.
CREATE TABLE order_changes (
    merchant_id text NOT NULL,
    id text NOT NULL,
    order_id text NOT NULL,
    amount_minor bigint NOT NULL,
    fee_minor bigint NOT NULL,
    to_collect_minor bigint NOT NULL,
    courier_id text NOT NULL,
    mode text NOT NULL,
    recipient jsonb,
    address jsonb,
    lines jsonb NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT order_changes_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT order_changes_order FOREIGN KEY (merchant_id, order_id) REFERENCES orders
);
CREATE INDEX order_changes_age ON order_changes (changed_at) WHERE recipient IS NOT NULL;
CREATE INDEX order_changes_of_order ON order_changes (merchant_id, order_id, id);

-- The one code of an order that may be valid: its proof is keyed, and its text opens with the seal's key only.
CREATE TABLE codes (
    merchant_id text NOT NULL,
    order_id text NOT NULL,
    number integer NOT NULL,
    tries integer NOT NULL,
    proof bytea,
    sealed text,
    sent_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT codes_pkey PRIMARY KEY (merchant_id, order_id),
    CONSTRAINT codes_order FOREIGN KEY (merchant_id, order_id) REFERENCES orders,
    CONSTRAINT codes_tries CHECK (tries BETWEEN 0 AND 5)
);
CREATE INDEX codes_expiry ON codes (expires_at);

-- What couriers told. `exception`: what a person should look at.
CREATE TABLE courier_events (
    merchant_id text NOT NULL,
    id text NOT NULL,
    courier_id text NOT NULL,
    event_id text NOT NULL,
    tracking_number text NOT NULL,
    kind text NOT NULL,
    occurred_at timestamptz NOT NULL,
    amount_minor bigint,
    mode text,
    cod_order_id text,
    outcome text NOT NULL,
    exception text,
    received_at timestamptz NOT NULL,
    CONSTRAINT courier_events_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT courier_events_once UNIQUE (merchant_id, courier_id, event_id),
    CONSTRAINT courier_events_courier FOREIGN KEY (merchant_id, courier_id) REFERENCES couriers,
    CONSTRAINT courier_events_outcome CHECK (
        outcome IN ('applied', 'repeated', 'late', 'waiting', 'contradicts')
    )
);
CREATE INDEX courier_events_of_order ON courier_events (merchant_id, cod_order_id, id)
    WHERE cod_order_id IS NOT NULL;
CREATE INDEX courier_events_of_parcel ON courier_events (merchant_id, courier_id, tracking_number, id);
CREATE INDEX courier_events_exceptions ON courier_events (merchant_id, id) WHERE exception IS NOT NULL;

-- Who has not taken a parcel, by keyed hashes of phone, e-mail and customer.
CREATE TABLE refusals (
    merchant_id text NOT NULL,
    order_id text NOT NULL,
    mark bytea NOT NULL,
    refused_at timestamptz NOT NULL,
    CONSTRAINT refusals_pkey PRIMARY KEY (merchant_id, order_id, mark),
    CONSTRAINT refusals_order FOREIGN KEY (merchant_id, order_id) REFERENCES orders
);
CREATE INDEX refusals_of ON refusals (merchant_id, mark, refused_at);
CREATE INDEX refusals_age ON refusals (refused_at);
