-- Shopper profiles, saved instruments, consents, one-click charges and sessions.
-- The merchant comes first in every key, so that the tables can be distributed by it.

CREATE TABLE customers (
    merchant_id text NOT NULL,
    id text NOT NULL,
    state text NOT NULL,
    email text,
    name text,
    phone text,
    locale text,
    metadata jsonb NOT NULL DEFAULT '{}',
    default_instrument_id text,
    default_address_id text,
    created_at timestamptz NOT NULL,
    erased_at timestamptz,
    CONSTRAINT customers_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT customers_state CHECK (state IN ('active', 'erased')),
    CONSTRAINT customers_erased_have_no_personal_data CHECK (
        state <> 'erased'
        OR (email IS NULL AND name IS NULL AND phone IS NULL AND locale IS NULL AND metadata = '{}')
    )
);
CREATE INDEX customers_email ON customers (merchant_id, email, id) WHERE email IS NOT NULL;

-- Never changed: a charge names the address it was ordered to. Removed ones stay for those orders
-- until the customer is erased.
CREATE TABLE addresses (
    merchant_id text NOT NULL,
    id text NOT NULL,
    customer_id text NOT NULL,
    name text NOT NULL,
    line1 text NOT NULL,
    line2 text,
    city text NOT NULL,
    postcode text NOT NULL,
    region text,
    country text NOT NULL,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz,
    CONSTRAINT addresses_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT addresses_customer_fkey FOREIGN KEY (merchant_id, customer_id) REFERENCES customers
);
CREATE INDEX addresses_customer ON addresses (merchant_id, customer_id, id);

-- The shopper's permission, kept as proof also after the instrument is gone.
CREATE TABLE consents (
    merchant_id text NOT NULL,
    id text NOT NULL,
    customer_id text NOT NULL,
    text_version text NOT NULL,
    accepted_at timestamptz NOT NULL,
    ip text,
    sca_reference text,
    created_at timestamptz NOT NULL,
    CONSTRAINT consents_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT consents_customer_fkey FOREIGN KEY (merchant_id, customer_id) REFERENCES customers
);
CREATE INDEX consents_customer ON consents (merchant_id, customer_id);

-- `tokens`: [{psp_account, token, psp_customer}]. `setup_request` is what payments is asked, kept
-- until it answered, so that a repeat asks exactly the same. `due_at`: when to ask (again).
CREATE TABLE instruments (
    merchant_id text NOT NULL,
    id text NOT NULL,
    customer_id text NOT NULL,
    state text NOT NULL,
    brand text NOT NULL DEFAULT '',
    last4 text NOT NULL DEFAULT '',
    exp_month integer NOT NULL DEFAULT 0,
    exp_year integer NOT NULL DEFAULT 0,
    country text NOT NULL DEFAULT '',
    fingerprint text NOT NULL DEFAULT '',
    tokens jsonb NOT NULL DEFAULT '[]',
    consent_id text,
    make_default boolean NOT NULL DEFAULT false,
    next_action_url text NOT NULL DEFAULT '',
    last_challenge_at timestamptz,
    merged_into text,
    refusal jsonb,
    psp_account text NOT NULL,
    setup_request bytea,
    due_at timestamptz,
    checks integer NOT NULL DEFAULT 0,
    begun_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL,
    CONSTRAINT instruments_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT instruments_customer_fkey FOREIGN KEY (merchant_id, customer_id) REFERENCES customers,
    CONSTRAINT instruments_state CHECK (
        state IN ('setting_up', 'requires_action', 'active', 'refused', 'merged', 'detached')
    ),
    CONSTRAINT instruments_exp_month CHECK (exp_month BETWEEN 0 AND 12),
    CONSTRAINT instruments_merged CHECK ((state = 'merged') = (merged_into IS NOT NULL))
);
CREATE INDEX instruments_customer ON instruments (merchant_id, customer_id, id);
CREATE INDEX instruments_due ON instruments (due_at) WHERE due_at IS NOT NULL;

-- Tokens that PSPs must forget: instruments that were detached, customers that were erased.
CREATE TABLE token_removals (
    merchant_id text NOT NULL,
    id text NOT NULL,
    psp_account text NOT NULL,
    token text NOT NULL,
    due_at timestamptz NOT NULL DEFAULT now(),
    checks integer NOT NULL DEFAULT 0,
    CONSTRAINT token_removals_pkey PRIMARY KEY (merchant_id, id)
);
CREATE INDEX token_removals_due ON token_removals (due_at);

-- Limits of one-click charges; a merchant without a row has the defaults of the domain.
CREATE TABLE policies (
    merchant_id text NOT NULL,
    max_charge_minor bigint NOT NULL,
    max_daily_minor bigint NOT NULL,
    max_hourly_charges integer NOT NULL,
    grace_seconds bigint NOT NULL,
    CONSTRAINT policies_pkey PRIMARY KEY (merchant_id),
    CONSTRAINT policies_positive CHECK (
        max_charge_minor > 0 AND max_daily_minor > 0 AND max_hourly_charges > 0 AND grace_seconds > 0
    )
);

-- One intended charge; its id is the idempotency key of payments.CreatePayment. `request` is what
-- payments is asked, kept until it answered. `amount_minor` counts against the limits.
CREATE TABLE charges (
    merchant_id text NOT NULL,
    id text NOT NULL,
    customer_id text NOT NULL,
    instrument_id text NOT NULL,
    address_id text,
    consent_id text NOT NULL,
    session_id text,
    session_try integer,
    state text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    capture text NOT NULL,
    order_reference text NOT NULL,
    sca_payments integer NOT NULL,
    sca_amount_minor bigint NOT NULL,
    request bytea,
    payment_id text,
    capture_at timestamptz,
    challenged boolean NOT NULL DEFAULT false,
    refusal jsonb,
    due_at timestamptz,
    checks integer NOT NULL DEFAULT 0,
    begun_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL,
    CONSTRAINT charges_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT charges_one_per_payment UNIQUE (merchant_id, payment_id),
    CONSTRAINT charges_one_per_session_try UNIQUE (merchant_id, session_id, session_try),
    CONSTRAINT charges_state CHECK (
        state IN ('started', 'under_way', 'succeeded', 'declined', 'cancelled', 'refused')
    ),
    CONSTRAINT charges_capture CHECK (capture IN ('now', 'manual', 'delayed')),
    CONSTRAINT charges_amount CHECK (amount_minor > 0),
    CONSTRAINT charges_answered_have_a_payment CHECK (
        state IN ('started', 'refused') OR payment_id IS NOT NULL
    )
);
CREATE INDEX charges_customer ON charges (merchant_id, customer_id, created_at);
CREATE INDEX charges_instrument ON charges (merchant_id, instrument_id, created_at);
CREATE INDEX charges_due ON charges (due_at) WHERE due_at IS NOT NULL;

-- An order that a browser may pay. The client secret is stored as its SHA-256.
CREATE TABLE sessions (
    merchant_id text NOT NULL,
    id text NOT NULL,
    customer_id text NOT NULL,
    state text NOT NULL,
    secret_hash bytea NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    capture text NOT NULL,
    grace_seconds bigint,
    order_reference text NOT NULL,
    return_url text NOT NULL,
    metadata jsonb NOT NULL,
    charge_id text,
    payment_id text,
    tries integer NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT sessions_state CHECK (state IN ('open', 'paying', 'paid')),
    CONSTRAINT sessions_amount CHECK (amount_minor > 0)
);
CREATE INDEX sessions_customer ON sessions (merchant_id, customer_id);

-- Erasing a customer must find the copies of personal data: stored answers and logged events.
CREATE INDEX idempotency_keys_customer ON idempotency_keys (merchant_id, resource_id)
    WHERE resource_id LIKE 'cus\_%';
CREATE INDEX outbox_customer ON outbox (merchant_id, aggregate_id)
    WHERE subject LIKE 'incasso.oneclick.customer.%';
