-- What banks and PSPs say of money: files that were imported, and their lines. The merchant comes first in every key.
-- A file is known by its content, a line by what it says: its id is made of that, so that it is met again under the
-- same id in whichever file it stands.
CREATE TABLE imports (
    merchant_id text NOT NULL,
    id text NOT NULL,
    state text NOT NULL,
    source text,
    psp_account text,
    format text,
    version text,
    name text,
    content_hash text NOT NULL,
    size_bytes bigint NOT NULL,
    statements integer NOT NULL,
    lines integer NOT NULL,
    known_lines integer NOT NULL,
    not_booked integer NOT NULL,
    totals jsonb NOT NULL,
    refused_line integer,
    refused_reason text,
    created_by text NOT NULL,
    trace_id text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT imports_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT imports_one_per_content UNIQUE (merchant_id, content_hash),
    CONSTRAINT imports_state CHECK (state IN ('imported', 'refused')),
    CONSTRAINT imports_source CHECK (source IN ('bank', 'psp')),
    CONSTRAINT imports_refusal CHECK ((state = 'refused') = (refused_reason IS NOT NULL))
);

-- Of a bank's files. The same statement in another file is the same.
CREATE TABLE statements (
    merchant_id text NOT NULL,
    id text NOT NULL,
    account text NOT NULL,
    currency text,
    reference text NOT NULL,
    number text NOT NULL,
    from_on date,
    to_on date,
    opening_minor bigint,
    closing_minor bigint,
    adds_up boolean,
    lines integer NOT NULL,
    import_id text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT statements_pkey PRIMARY KEY (merchant_id, id)
);
CREATE INDEX statements_of_account ON statements (merchant_id, account, to_on);

-- What was booked on bank accounts. An entry that books many payments is a line for each of them (`place` 1 …),
-- and one for what its payments do not account for (`part`): the lines of an account add up to its entries.
CREATE TABLE bank_lines (
    merchant_id text NOT NULL,
    id text NOT NULL,
    booked_on date NOT NULL,
    value_on date,
    account text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    part text NOT NULL,
    entry_id text NOT NULL,
    place integer NOT NULL,
    kind text NOT NULL,
    reversal boolean NOT NULL,
    end_to_end_reference text,
    creditor_reference text,
    bank_reference text,
    batch_reference text,
    mandate_reference text,
    transaction_reference text,
    return_reason text,
    counterparty_name text,
    counterparty_account text,
    text text,
    statement_id text NOT NULL,
    import_id text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT bank_lines_pkey PRIMARY KEY (merchant_id, id, booked_on),
    CONSTRAINT bank_lines_part CHECK (part IN ('entry', 'payment', 'charges', 'rest'))
) PARTITION BY RANGE (booked_on);
CREATE TABLE bank_lines_rest PARTITION OF bank_lines DEFAULT;
CREATE INDEX bank_lines_by_entry ON bank_lines (merchant_id, entry_id);
CREATE INDEX bank_lines_by_amount ON bank_lines (merchant_id, amount_minor, currency, booked_on);
CREATE INDEX bank_lines_by_account ON bank_lines (merchant_id, account, id);
CREATE INDEX bank_lines_by_import ON bank_lines (merchant_id, import_id, id);
CREATE INDEX bank_lines_by_end_to_end ON bank_lines (merchant_id, end_to_end_reference)
    WHERE end_to_end_reference IS NOT NULL;
CREATE INDEX bank_lines_by_creditor_reference ON bank_lines (merchant_id, creditor_reference)
    WHERE creditor_reference IS NOT NULL;
CREATE INDEX bank_lines_by_bank_reference ON bank_lines (merchant_id, bank_reference)
    WHERE bank_reference IS NOT NULL;
CREATE INDEX bank_lines_by_batch ON bank_lines (merchant_id, batch_reference)
    WHERE batch_reference IS NOT NULL;

-- What PSPs (by their files) and couriers (by cod's events) say that they took, kept and passed on. `party` is that of
-- the account `psp_receivable` or `courier_receivable`. A fee below 0 is a cost: gross and fee are net.
CREATE TABLE settlement_lines (
    merchant_id text NOT NULL,
    id text NOT NULL,
    happened_on date NOT NULL,
    source text NOT NULL,
    party text NOT NULL,
    kind text NOT NULL,
    provider_kind text NOT NULL,
    provider_reference text,
    payment_reference text,
    operation_reference text,
    order_reference text,
    custom_reference text,
    gross_minor bigint NOT NULL,
    fee_minor bigint NOT NULL,
    net_minor bigint NOT NULL,
    shortage_minor bigint NOT NULL,
    currency text NOT NULL,
    available_on date,
    payout_reference text,
    payout_on date,
    invoice_reference text,
    counterparty_name text,
    text text,
    import_id text,
    event_id text,
    created_at timestamptz NOT NULL,
    CONSTRAINT settlement_lines_pkey PRIMARY KEY (merchant_id, id, happened_on),
    CONSTRAINT settlement_lines_source CHECK (source IN ('psp', 'courier')),
    CONSTRAINT settlement_lines_kind CHECK (
        kind IN ('charge', 'refund', 'dispute', 'fee', 'payout', 'adjustment', 'other')
    ),
    CONSTRAINT settlement_lines_net CHECK (gross_minor + fee_minor = net_minor)
) PARTITION BY RANGE (happened_on);
CREATE TABLE settlement_lines_rest PARTITION OF settlement_lines DEFAULT;
CREATE INDEX settlement_lines_by_amount ON settlement_lines (merchant_id, gross_minor, currency, happened_on);
CREATE INDEX settlement_lines_by_party ON settlement_lines (merchant_id, party, id);
CREATE INDEX settlement_lines_by_import ON settlement_lines (merchant_id, import_id, id);
CREATE INDEX settlement_lines_by_provider_reference ON settlement_lines (merchant_id, provider_reference)
    WHERE provider_reference IS NOT NULL;
CREATE INDEX settlement_lines_by_payment ON settlement_lines (merchant_id, payment_reference)
    WHERE payment_reference IS NOT NULL;
CREATE INDEX settlement_lines_by_operation ON settlement_lines (merchant_id, operation_reference)
    WHERE operation_reference IS NOT NULL;
CREATE INDEX settlement_lines_by_order ON settlement_lines (merchant_id, order_reference)
    WHERE order_reference IS NOT NULL;
CREATE INDEX settlement_lines_by_custom ON settlement_lines (merchant_id, custom_reference)
    WHERE custom_reference IS NOT NULL;
CREATE INDEX settlement_lines_by_payout ON settlement_lines (merchant_id, payout_reference)
    WHERE payout_reference IS NOT NULL;

-- Where the lines of a file are copied to, before all of them are taken by few statements; empty between imports.
-- `number` counts the lines of a file, `entry_number` is that of the first line of the same entry.
CREATE UNLOGGED TABLE staged_bank_lines (LIKE bank_lines);
ALTER TABLE staged_bank_lines ADD COLUMN number integer NOT NULL,
    ADD COLUMN entry_number integer NOT NULL,
    ADD COLUMN names_link boolean NOT NULL,
    ADD CONSTRAINT staged_bank_lines_pkey PRIMARY KEY (merchant_id, import_id, number);
CREATE UNLOGGED TABLE staged_settlement_lines (LIKE settlement_lines);
ALTER TABLE staged_settlement_lines ADD COLUMN number integer NOT NULL,
    ADD CONSTRAINT staged_settlement_lines_pkey PRIMARY KEY (merchant_id, import_id, number);

-- Credits whose text names a payment link: what paylink is asked to make of each, once. `bank_reference` is as which it
-- is told: a transfer that was reported to paylink before has the same.
CREATE TABLE link_transfers (
    merchant_id text NOT NULL,
    id text NOT NULL,
    state text NOT NULL,
    bank_reference text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    text text,
    booked_on date NOT NULL,
    bank_transfer_id text,
    outcome text,
    payment_link_id text,
    due_at timestamptz,
    checks integer NOT NULL DEFAULT 0,
    begun_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL,
    settled_at timestamptz,
    CONSTRAINT link_transfers_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT link_transfers_one_per_booking UNIQUE (merchant_id, bank_reference),
    CONSTRAINT link_transfers_state CHECK (state IN ('pending', 'recorded', 'refused')),
    CONSTRAINT link_transfers_due CHECK ((state = 'pending') = (due_at IS NOT NULL))
);
CREATE INDEX link_transfers_due_at ON link_transfers (due_at) WHERE due_at IS NOT NULL;

-- As before, and for lines as well. The journal's are append only, as it is.
CREATE OR REPLACE FUNCTION make_partitions(months date[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    parent record;
    month date;
    name text;
    found boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('reporting partitions'));
    FOR parent IN VALUES
        ('entries', 'happened_on', true), ('postings', 'booked_on', true),
        ('bank_lines', 'booked_on', false), ('settlement_lines', 'happened_on', false)
    LOOP
        FOREACH month IN ARRAY months LOOP
            name := format('%s_%s', parent.column1, to_char(month, 'YYYYMM'));
            CONTINUE WHEN to_regclass(name) IS NOT NULL;
            EXECUTE format(
                'SELECT EXISTS (SELECT FROM %I WHERE %I >= %L AND %I < %L)',
                parent.column1 || '_rest', parent.column2, month, parent.column2, month + interval '1 month'
            ) INTO found;
            CONTINUE WHEN found;
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                name, parent.column1, month, (month + interval '1 month')::date
            );
            IF parent.column3 THEN
                PERFORM only_append(name::regclass);
            END IF;
        END LOOP;
    END LOOP;
END $$;
