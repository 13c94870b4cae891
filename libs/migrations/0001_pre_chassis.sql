-- What every service's database has: idempotency keys, outbox, inbox, test clocks.

CREATE TABLE idempotency_keys (
    merchant_id text NOT NULL,
    method text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    resource_id text NOT NULL,
    answer bytea,
    locked_until timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (merchant_id, method, key)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

-- The event log of this service. Rows are kept after they were published.
CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    event_id text NOT NULL,
    merchant_id text NOT NULL,
    aggregate_id text NOT NULL,
    subject text NOT NULL,
    body bytea NOT NULL,
    traceparent text NOT NULL,
    occurred_at timestamptz NOT NULL,  -- by the merchant's clock, which may run ahead
    recorded_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    CONSTRAINT outbox_pkey PRIMARY KEY (seq),
    CONSTRAINT outbox_event_id_key UNIQUE (event_id)
);
CREATE INDEX outbox_unpublished ON outbox (seq) WHERE published_at IS NULL;

CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id)
);

-- Seconds by which the clock of a test merchant runs ahead; copied from the merchants service.
CREATE TABLE test_clocks (
    merchant_id text NOT NULL,
    clock_offset interval NOT NULL,
    CONSTRAINT test_clocks_pkey PRIMARY KEY (merchant_id)
);

CREATE FUNCTION outbox_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY outbox;
    RETURN NULL;
END $$;
CREATE TRIGGER outbox_notify AFTER INSERT ON outbox
    FOR EACH ROW EXECUTE FUNCTION outbox_notify();  -- equal ones of a transaction become one
