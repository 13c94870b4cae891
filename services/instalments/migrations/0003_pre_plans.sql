-- Plans, their instalments, what is asked of payments for these, and who the creditor is.

ALTER TABLE settings
    ADD COLUMN creditor_address text,
    ADD COLUMN creditor_email text,
    ADD COLUMN creditor_phone text,
    ADD COLUMN supervisor text,
    ADD COLUMN redress text;

-- `offer`: the InstalmentOffer that was accepted, a protobuf message; `terms`: those on which it was made.
-- `due_at`: when a worker must look at the plan: its offer's end, or its default.
CREATE TABLE plans (
    merchant_id text NOT NULL,
    id text NOT NULL,
    state text NOT NULL,
    quote_id text NOT NULL,
    customer_id text NOT NULL,
    order_reference text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    locale text NOT NULL,
    terms jsonb NOT NULL,
    priced jsonb NOT NULL,
    offer bytea NOT NULL,
    time_zone text NOT NULL,
    instrument_id text,
    return_url text NOT NULL,
    acceptance jsonb,
    metadata jsonb NOT NULL,
    trace_id text NOT NULL,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    activated_at timestamptz,
    ended_at timestamptz,
    due_at timestamptz,
    held_until timestamptz NOT NULL DEFAULT '-infinity',
    CONSTRAINT plans_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT plans_quote UNIQUE (merchant_id, quote_id),
    CONSTRAINT plans_state CHECK (state IN (
        'offered', 'accepted', 'active', 'completed', 'defaulted', 'withdrawn', 'cancelled', 'expired'
    )),
    CONSTRAINT plans_accepted CHECK (state IN ('offered', 'cancelled', 'expired') OR acceptance IS NOT NULL),
    CONSTRAINT plans_amount CHECK (amount_minor > 0)
);
CREATE INDEX plans_due ON plans (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX plans_customer ON plans (merchant_id, customer_id, id);
CREATE INDEX plans_order ON plans (merchant_id, order_reference, id);
CREATE INDEX plans_state_id ON plans (merchant_id, state, id);

-- `due_at`: when its card is charged (again); null while nothing is to be done by itself.
CREATE TABLE instalments (
    merchant_id text NOT NULL,
    plan_id text NOT NULL,
    number integer NOT NULL,
    state text NOT NULL,
    due_on date NOT NULL,
    principal_minor bigint NOT NULL,
    interest_minor bigint NOT NULL,
    fee_minor bigint NOT NULL,
    late_fee_minor bigint NOT NULL DEFAULT 0,
    tries integer NOT NULL DEFAULT 0,
    payment_id text,
    missed_at timestamptz,
    paid_at timestamptz,
    due_at timestamptz,
    CONSTRAINT instalments_pkey PRIMARY KEY (merchant_id, plan_id, number),
    CONSTRAINT instalments_plan FOREIGN KEY (merchant_id, plan_id) REFERENCES plans,
    CONSTRAINT instalments_state CHECK (state IN ('planned', 'collecting', 'paid', 'missed', 'cancelled')),
    CONSTRAINT instalments_amounts CHECK (
        principal_minor >= 0 AND interest_minor >= 0 AND fee_minor >= 0 AND late_fee_minor >= 0
    ),
    CONSTRAINT instalments_paid CHECK ((state = 'paid') = (paid_at IS NOT NULL))
);
CREATE INDEX instalments_due ON instalments (due_at) WHERE due_at IS NOT NULL;

-- One payment that is asked for an instalment. Its id is the key under which payments is asked.
CREATE TABLE collections (
    merchant_id text NOT NULL,
    id text NOT NULL,
    plan_id text NOT NULL,
    number integer NOT NULL,
    state text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    instrument_id text NOT NULL,
    by_customer boolean NOT NULL,
    request bytea,
    payment_id text,
    next_action_url text,
    decline jsonb,
    refusal jsonb,
    created_at timestamptz NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now(),
    checks integer NOT NULL DEFAULT 0,
    due_at timestamptz,
    CONSTRAINT collections_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT collections_instalment FOREIGN KEY (merchant_id, plan_id, number) REFERENCES instalments,
    CONSTRAINT collections_state CHECK (
        state IN ('started', 'under_way', 'succeeded', 'declined', 'cancelled', 'refused')
    ),
    CONSTRAINT collections_amount CHECK (amount_minor > 0)
);
-- One at a time: who finds another under way waits for its end.
CREATE UNIQUE INDEX collections_one ON collections (merchant_id, plan_id, number)
    WHERE state IN ('started', 'under_way', 'succeeded');
CREATE INDEX collections_due ON collections (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX collections_payment ON collections (merchant_id, payment_id) WHERE payment_id IS NOT NULL;

-- Documents of a plan as they were handed over before it was accepted: proof by hash and time.
CREATE TABLE documents (
    merchant_id text NOT NULL,
    plan_id text NOT NULL,
    kind text NOT NULL,
    sha256 text NOT NULL,
    content bytea NOT NULL,
    delivered_at timestamptz NOT NULL,
    CONSTRAINT documents_pkey PRIMARY KEY (merchant_id, plan_id, kind),
    CONSTRAINT documents_plan FOREIGN KEY (merchant_id, plan_id) REFERENCES plans,
    CONSTRAINT documents_kind CHECK (kind IN ('information', 'agreement'))
);
