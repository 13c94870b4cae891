-- Payments, their attempts (one PSP call each), disputes, PSP accounts, routing, PSP webhooks.
-- merchant_id comes first in every key: it is what tables are distributed by.

CREATE TABLE psp_accounts (
    merchant_id text NOT NULL,
    id text NOT NULL,
    name text NOT NULL,
    psp text NOT NULL,
    credentials text NOT NULL,
    tra_band text NOT NULL DEFAULT 'none',
    created_at timestamptz NOT NULL,
    CONSTRAINT psp_accounts_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT psp_accounts_name_key UNIQUE (merchant_id, name),
    CONSTRAINT psp_accounts_tra_band CHECK (tra_band IN ('none', '0.13', '0.06', '0.01'))
);
-- A webhook's address names the account only; it tells the merchant.
CREATE INDEX psp_accounts_id ON psp_accounts (id);

CREATE TABLE routings (
    merchant_id text NOT NULL,
    rules jsonb NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT routings_pkey PRIMARY KEY (merchant_id)
);

CREATE TABLE payments (
    merchant_id text NOT NULL,
    id text NOT NULL,
    version integer NOT NULL DEFAULT 0,
    state text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    authorised_minor bigint NOT NULL DEFAULT 0,
    capturable_minor bigint NOT NULL,
    capturing_minor bigint NOT NULL DEFAULT 0,
    captured_minor bigint NOT NULL DEFAULT 0,
    refunding_minor bigint NOT NULL DEFAULT 0,
    refunded_minor bigint NOT NULL DEFAULT 0,
    capture text NOT NULL,
    capture_at timestamptz,
    due_at timestamptz,
    challenged_at timestamptz,
    order_reference text NOT NULL,
    method text NOT NULL,
    initiator text NOT NULL,
    customer_id text NOT NULL,
    instrument_id text NOT NULL,
    mandate_reference text NOT NULL,
    exemption text NOT NULL,
    candidates jsonb NOT NULL,
    psp_account_id text NOT NULL,
    psp_account text NOT NULL,
    psp_reference text NOT NULL DEFAULT '',
    next_action_url text NOT NULL DEFAULT '',
    decline jsonb,
    return_url text NOT NULL,
    description text NOT NULL,
    metadata jsonb NOT NULL,
    trace_id text NOT NULL,
    traceparent text NOT NULL,
    actor text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT payments_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT payments_state CHECK (state IN (
        'processing', 'requires_action', 'pending', 'authorised', 'captured',
        'partially_refunded', 'refunded', 'declined', 'cancelled')),
    CONSTRAINT payments_capture CHECK (capture IN ('now', 'manual', 'delayed')),
    CONSTRAINT payments_amount CHECK (amount_minor > 0),
    CONSTRAINT payments_no_over_authorisation CHECK (authorised_minor BETWEEN 0 AND amount_minor),
    CONSTRAINT payments_no_over_capture CHECK (
        captured_minor >= 0 AND capturing_minor >= 0
        AND captured_minor + capturing_minor <= authorised_minor),
    CONSTRAINT payments_no_over_refund CHECK (
        refunded_minor >= 0 AND refunding_minor >= 0
        AND refunded_minor + refunding_minor <= captured_minor)
);
CREATE INDEX payments_order_reference ON payments (merchant_id, order_reference, id);
CREATE INDEX payments_customer ON payments (merchant_id, customer_id, id) WHERE customer_id <> '';
-- Workers ask for every merchant's due rows.
CREATE INDEX payments_due ON payments (due_at) WHERE due_at IS NOT NULL;
-- A shopper who comes back from a challenge brings the payment's id only.
CREATE INDEX payments_challenged ON payments (id) WHERE challenged_at IS NOT NULL;

CREATE TABLE attempts (
    merchant_id text NOT NULL,
    id text NOT NULL,
    payment_id text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    psp_account_id text NOT NULL,
    token text NOT NULL,
    psp_customer text NOT NULL,
    amount_minor bigint NOT NULL,
    exemption text NOT NULL,
    force_challenge boolean NOT NULL,
    reason text NOT NULL,
    psp_reference text NOT NULL DEFAULT '',
    decline jsonb,
    created_at timestamptz NOT NULL,
    settled_at timestamptz,
    -- By the world's clock, not the merchant's: a PSP takes the time that it takes.
    started_at timestamptz NOT NULL DEFAULT now(),
    next_recovery_at timestamptz,
    recovery_tries integer NOT NULL DEFAULT 0,
    unresolved_since timestamptz,
    CONSTRAINT attempts_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT attempts_kind CHECK (kind IN ('authorise', 'capture', 'cancel', 'refund')),
    CONSTRAINT attempts_state CHECK (state IN (
        'started', 'action_required', 'pending', 'unknown', 'approved', 'declined')),
    CONSTRAINT attempts_amount CHECK (amount_minor > 0)
);
CREATE INDEX attempts_payment ON attempts (merchant_id, payment_id);
CREATE INDEX attempts_psp_reference ON attempts (merchant_id, psp_account_id, psp_reference)
    WHERE psp_reference <> '';
CREATE INDEX attempts_recovery ON attempts (next_recovery_at) WHERE next_recovery_at IS NOT NULL;
CREATE INDEX attempts_unresolved ON attempts (unresolved_since) WHERE unresolved_since IS NOT NULL;
-- Nobody may try another way of taking the same money while one is open or has succeeded.
CREATE UNIQUE INDEX attempts_one_authorisation ON attempts (merchant_id, payment_id)
    WHERE kind = 'authorise' AND state <> 'declined';
-- A payment is captured once or cancelled once, never both.
CREATE UNIQUE INDEX attempts_one_ending ON attempts (merchant_id, payment_id)
    WHERE kind IN ('capture', 'cancel') AND state <> 'declined';

CREATE TABLE disputes (
    merchant_id text NOT NULL,
    id text NOT NULL,
    payment_id text NOT NULL,
    state text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    reason text NOT NULL,
    psp_account_id text NOT NULL,
    psp_reference text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT disputes_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT disputes_psp_reference_key UNIQUE (merchant_id, psp_account_id, psp_reference),
    CONSTRAINT disputes_state CHECK (state IN ('open', 'won', 'lost'))
);
CREATE INDEX disputes_payment ON disputes (merchant_id, payment_id);

-- Inbox of PSP webhooks.
CREATE TABLE psp_events (
    merchant_id text NOT NULL,
    psp_account_id text NOT NULL,
    psp_event_id text NOT NULL,
    body bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    handled_at timestamptz,
    CONSTRAINT psp_events_pkey PRIMARY KEY (merchant_id, psp_account_id, psp_event_id)
);
