-- Customers whose personal data go: now, and again until no payment of theirs is under way any more.
CREATE TABLE erasures (
    merchant_id text NOT NULL,
    customer_id text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT erasures_pkey PRIMARY KEY (merchant_id, customer_id)
);
CREATE INDEX erasures_due ON erasures (due_at);
-- What names the person beside the payment's own row is found by these.
CREATE INDEX outbox_aggregate ON outbox (merchant_id, aggregate_id);
CREATE INDEX idempotency_keys_resource ON idempotency_keys (merchant_id, resource_id);
