-- Reconciliation. What has to be matched with something waits in `open_items`, which holds nothing else: so a run
-- costs what is open, not what was ever matched. Two stages: `psp` compares what events say of PSPs with the lines of
-- their reports, `bank` what is to arrive or leave with the lines of bank accounts.
CREATE TABLE open_items (
    merchant_id text NOT NULL,
    stage text NOT NULL,
    side text NOT NULL,
    id text NOT NULL,
    kind text NOT NULL,
    party text NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    fee_minor bigint NOT NULL DEFAULT 0,
    operation_reference text,
    payment_reference text,
    order_reference text,
    payment_id text,
    trace_id text NOT NULL,
    happened_on date NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT open_items_pkey PRIMARY KEY (merchant_id, stage, side, id),
    CONSTRAINT open_items_stage CHECK (stage IN ('psp', 'bank')),
    CONSTRAINT open_items_side CHECK (side IN ('ours', 'theirs')),
    CONSTRAINT open_items_amount CHECK (amount_minor <> 0)
);
CREATE INDEX open_items_by_operation ON open_items (merchant_id, operation_reference) WHERE side = 'ours';
CREATE INDEX open_items_by_payment ON open_items (merchant_id, payment_reference) WHERE side = 'ours';
CREATE INDEX open_items_by_amount ON open_items (merchant_id, amount_minor, currency) WHERE side = 'ours';

-- What belongs together. Several rows of one line, or of one item of ours, are a sum.
CREATE TABLE matches (
    merchant_id text NOT NULL,
    id text NOT NULL,
    stage text NOT NULL,
    rule text NOT NULL,
    ours_id text NOT NULL,
    theirs_id text NOT NULL,
    kind text NOT NULL,
    party text NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    difference_minor bigint NOT NULL,
    payment_id text,
    order_reference text,
    trace_id text NOT NULL,
    happened_on date NOT NULL,
    matched_by text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT matches_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT matches_stage CHECK (stage IN ('psp', 'bank')),
    CONSTRAINT matches_rule CHECK (rule IN ('reference', 'order', 'text', 'amount', 'sum', 'person')),
    CONSTRAINT matches_amount CHECK (amount_minor <> 0)
);
CREATE INDEX matches_of_theirs ON matches (merchant_id, theirs_id);
CREATE INDEX matches_of_ours ON matches (merchant_id, ours_id);

-- What reconciliation moves between accounts: each is an entry of the journal.
CREATE TABLE clearings (
    merchant_id text NOT NULL,
    id text NOT NULL,
    kind text NOT NULL,
    currency text NOT NULL,
    moves jsonb NOT NULL,
    payment_id text,
    order_reference text,
    trace_id text NOT NULL,
    happened_on date NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT clearings_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT clearings_kind CHECK (kind IN ('matched', 'resolved'))
);

-- What does not match, or matches and is not as agreed: of each item and type once, until somebody or something
-- resolves it.
CREATE TABLE exceptions (
    merchant_id text NOT NULL,
    id text NOT NULL,
    type text NOT NULL,
    state text NOT NULL,
    stage text NOT NULL,
    item_id text NOT NULL,
    ours_id text,
    theirs_id text,
    party text NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    expected_minor bigint,
    suggestions text[] NOT NULL,
    payment_id text,
    order_reference text,
    trace_id text NOT NULL,
    happened_on date NOT NULL,
    owner text,
    resolved_as text,
    resolution text,
    resolved_by text,
    resolved_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT exceptions_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT exceptions_state CHECK (state IN ('open', 'resolved')),
    CONSTRAINT exceptions_stage CHECK (stage IN ('psp', 'bank')),
    CONSTRAINT exceptions_resolved CHECK ((state = 'resolved') = (resolved_as IS NOT NULL)),
    CONSTRAINT exceptions_of_item UNIQUE (merchant_id, item_id, type)
);
CREATE INDEX exceptions_open ON exceptions (merchant_id, id) WHERE state = 'open';

-- Tolerance and terms of a PSP account, a courier or (as '') banks.
CREATE TABLE sources (
    merchant_id text NOT NULL,
    party text NOT NULL,
    tolerance_minor bigint NOT NULL,
    late_after_days integer NOT NULL,
    fee_basis_points integer,
    fee_fixed_minor bigint,
    updated_at timestamptz NOT NULL,
    CONSTRAINT sources_pkey PRIMARY KEY (merchant_id, party),
    CONSTRAINT sources_tolerance CHECK (tolerance_minor >= 0),
    CONSTRAINT sources_fee CHECK ((fee_basis_points IS NULL) = (fee_fixed_minor IS NULL))
);

-- Who changed what: each record has the hash of the one before, so that a changed one breaks the chain.
CREATE TABLE audit_records (
    merchant_id text NOT NULL,
    number bigint NOT NULL,
    id text NOT NULL,
    action text NOT NULL,
    subject_id text NOT NULL,
    actor text NOT NULL,
    before text NOT NULL,
    after text NOT NULL,
    trace_id text NOT NULL,
    previous_hash text NOT NULL,
    hash text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT audit_records_pkey PRIMARY KEY (merchant_id, number),
    CONSTRAINT audit_records_id UNIQUE (merchant_id, id)
);
CREATE TRIGGER audit_records_append_only BEFORE UPDATE OR DELETE ON audit_records
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
SELECT only_append('audit_records');

CREATE INDEX bank_lines_by_counterparty ON bank_lines (merchant_id, counterparty_account)
    WHERE counterparty_account IS NOT NULL;

-- When a merchant's items are reconciled next: after an import, and each day to find what is missing by then.
CREATE TABLE reconciliations (
    merchant_id text NOT NULL,
    due_at timestamptz NOT NULL,
    CONSTRAINT reconciliations_pkey PRIMARY KEY (merchant_id)
);
CREATE INDEX reconciliations_due ON reconciliations (due_at);
