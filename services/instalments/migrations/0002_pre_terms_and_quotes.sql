-- Never changed but to be archived: quotes and plans name the terms on which they were made.
CREATE TABLE terms (
    merchant_id text NOT NULL,
    id text NOT NULL,
    state text NOT NULL,
    name text NOT NULL,
    currency text NOT NULL,
    payments integer NOT NULL,
    every_unit text NOT NULL,
    every_n integer NOT NULL,
    down_payment_basis_points integer,
    interest_basis_points integer NOT NULL,
    upfront_fee_minor bigint NOT NULL,
    upfront_fee_basis_points integer NOT NULL,
    payment_fee_minor bigint NOT NULL,
    fees_borne_by text NOT NULL,
    min_amount_minor bigint NOT NULL,
    max_amount_minor bigint NOT NULL,
    categories text[] NOT NULL,
    excluded_categories text[] NOT NULL,
    segments text[] NOT NULL,
    remainder text NOT NULL,
    working_days_only boolean NOT NULL,
    grace_days integer NOT NULL,
    late_fee_minor bigint NOT NULL,
    late_fees_most_minor bigint NOT NULL,
    dunning jsonb NOT NULL,
    financed_by text NOT NULL,
    partner jsonb,
    metadata jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT terms_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT terms_state CHECK (state IN ('active', 'archived')),
    CONSTRAINT terms_payments CHECK (payments BETWEEN 1 AND 120 AND every_n > 0),
    CONSTRAINT terms_amounts CHECK (min_amount_minor > 0 AND max_amount_minor >= min_amount_minor)
);
CREATE INDEX terms_active ON terms (merchant_id, id) WHERE state = 'active';

-- `priced`: schedule, rate and class. `offer`: the InstalmentOffer that was shown, as a protobuf message.
CREATE TABLE quotes (
    merchant_id text NOT NULL,
    id text NOT NULL,
    terms_id text NOT NULL,
    order_reference text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    locale text NOT NULL,
    delivered_on date,
    priced jsonb NOT NULL,
    offer bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT quotes_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT quotes_amount CHECK (amount_minor > 0)
);
CREATE INDEX quotes_by_end ON quotes (expires_at);
