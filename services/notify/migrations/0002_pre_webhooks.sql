-- What happened, as merchants may read it. `body` is the message that `message` names.
CREATE TABLE events (
    merchant_id text NOT NULL,
    id text NOT NULL,
    type text NOT NULL,
    message text NOT NULL,
    body bytea NOT NULL,
    traceparent text NOT NULL,
    created_at timestamptz NOT NULL,  -- by the merchant's clock, which may run ahead
    received_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT events_pkey PRIMARY KEY (merchant_id, id)
);
CREATE INDEX events_by_type ON events (merchant_id, type, id DESC);
CREATE INDEX events_by_time ON events (merchant_id, created_at);

CREATE TABLE webhook_endpoints (
    merchant_id text NOT NULL,
    id text NOT NULL,
    state text NOT NULL,
    disabled_reason text,
    url text NOT NULL,
    description text,
    event_types text[] NOT NULL,
    failing_since timestamptz,
    exhausted boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT webhook_endpoints_state_is_known CHECK (state IN ('enabled', 'disabled')),
    CONSTRAINT webhook_endpoints_reason_is_known
        CHECK (disabled_reason IN ('merchant', 'gone', 'failing')),
    CONSTRAINT webhook_endpoints_disabled_for_a_reason
        CHECK ((state = 'disabled') = (disabled_reason IS NOT NULL))
);

-- Sealed: a copy of the database signs nothing. The current secret has no end.
CREATE TABLE webhook_secrets (
    merchant_id text NOT NULL,
    endpoint_id text NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    sealed text NOT NULL,
    expires_at timestamptz,
    CONSTRAINT webhook_secrets_pkey PRIMARY KEY (merchant_id, endpoint_id, number),
    CONSTRAINT webhook_secrets_endpoint_fkey FOREIGN KEY (merchant_id, endpoint_id)
        REFERENCES webhook_endpoints (merchant_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX webhook_secrets_one_is_current ON webhook_secrets (merchant_id, endpoint_id)
    WHERE expires_at IS NULL;

CREATE TABLE webhook_deliveries (
    merchant_id text NOT NULL,
    id text NOT NULL,
    endpoint_id text NOT NULL,
    event_id text NOT NULL,
    event_type text NOT NULL,
    state text NOT NULL DEFAULT 'pending',
    tries integer NOT NULL DEFAULT 0,
    due_at timestamptz,  -- of the next try; moved ahead while one is under way
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT webhook_deliveries_endpoint_fkey FOREIGN KEY (merchant_id, endpoint_id)
        REFERENCES webhook_endpoints (merchant_id, id) ON DELETE CASCADE,
    CONSTRAINT webhook_deliveries_event_fkey FOREIGN KEY (merchant_id, event_id)
        REFERENCES events (merchant_id, id),
    CONSTRAINT webhook_deliveries_state_is_known
        CHECK (state IN ('pending', 'delivered', 'failed')),
    CONSTRAINT webhook_deliveries_pending_is_due CHECK ((state = 'pending') = (due_at IS NOT NULL))
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_by_endpoint
    ON webhook_deliveries (merchant_id, endpoint_id, id DESC);
CREATE INDEX webhook_deliveries_by_event ON webhook_deliveries (merchant_id, event_id, endpoint_id);

CREATE TABLE webhook_attempts (
    merchant_id text NOT NULL,
    delivery_id text NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    attempted_at timestamptz NOT NULL,
    status integer,
    error text,
    duration_ms integer NOT NULL,
    excerpt text,
    CONSTRAINT webhook_attempts_pkey PRIMARY KEY (merchant_id, delivery_id, number),
    CONSTRAINT webhook_attempts_delivery_fkey FOREIGN KEY (merchant_id, delivery_id)
        REFERENCES webhook_deliveries (merchant_id, id) ON DELETE CASCADE
);
