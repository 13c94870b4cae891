-- The ledger. The merchant comes first in every key. An entry books one event and has its id; it is known by
-- that and the day of its fact, so that no event is ever booked twice, however old it is when it comes again.
CREATE TABLE entries (
    merchant_id text NOT NULL,
    id text NOT NULL,
    happened_on date NOT NULL,
    booked_on date NOT NULL,
    kind text NOT NULL,
    currency text NOT NULL,
    resource_id text NOT NULL,
    payment_id text,
    order_reference text,
    trace_id text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT entries_pkey PRIMARY KEY (merchant_id, id, happened_on),
    CONSTRAINT entries_late CHECK (booked_on >= happened_on)
) PARTITION BY RANGE (happened_on);
CREATE TABLE entries_rest PARTITION OF entries DEFAULT;
CREATE INDEX entries_by_payment ON entries (merchant_id, payment_id, id) WHERE payment_id IS NOT NULL;
CREATE INDEX entries_by_order ON entries (merchant_id, order_reference, id)
    WHERE order_reference IS NOT NULL;
CREATE INDEX entries_by_trace ON entries (merchant_id, trace_id, id);

-- What an entry moves. Each row moves one amount from the credited to the debited account, so no entry can be
-- out of balance: there is no row for half of one.
CREATE TABLE postings (
    merchant_id text NOT NULL,
    booked_on date NOT NULL,
    entry_id text NOT NULL,
    number smallint NOT NULL,
    happened_on date NOT NULL,
    debit_account text NOT NULL,
    debit_party text NOT NULL,
    credit_account text NOT NULL,
    credit_party text NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    CONSTRAINT postings_pkey PRIMARY KEY (merchant_id, booked_on, entry_id, number),
    CONSTRAINT postings_amount CHECK (amount_minor > 0),
    CONSTRAINT postings_sides CHECK ((debit_account, debit_party) <> (credit_account, credit_party))
) PARTITION BY RANGE (booked_on);
CREATE TABLE postings_rest PARTITION OF postings DEFAULT;
CREATE INDEX postings_debited ON postings (merchant_id, debit_account, currency, booked_on, entry_id);
CREATE INDEX postings_credited ON postings (merchant_id, credit_account, currency, booked_on, entry_id);

-- What was booked on an account on a day: a trial balance sums days, not postings.
CREATE TABLE balances (
    merchant_id text NOT NULL,
    account text NOT NULL,
    currency text NOT NULL,
    party text NOT NULL,
    booked_on date NOT NULL,
    debit_minor bigint NOT NULL,
    credit_minor bigint NOT NULL,
    CONSTRAINT balances_pkey PRIMARY KEY (merchant_id, account, currency, party, booked_on)
) WITH (fillfactor = 70);

-- Months in which nothing is booked any more.
CREATE TABLE periods (
    merchant_id text NOT NULL,
    month date NOT NULL,
    closed_at timestamptz NOT NULL,
    closed_by text NOT NULL,
    CONSTRAINT periods_pkey PRIMARY KEY (merchant_id, month),
    CONSTRAINT periods_month CHECK (extract(day FROM month) = 1)
);

-- Where entries were booked whose month was closed by then: the one thing about an entry that no event says, so
-- it outlives the ledger and is taken over when that is built again.
CREATE TABLE late_entries (
    merchant_id text NOT NULL,
    entry_id text NOT NULL,
    booked_on date NOT NULL,
    CONSTRAINT late_entries_pkey PRIMARY KEY (merchant_id, entry_id)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append only: % of %', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER entries_append_only BEFORE UPDATE OR DELETE ON entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER postings_append_only BEFORE UPDATE OR DELETE ON postings
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Partitions of months that have none, by whoever books there first: the service's own role makes no tables. What a
-- month has in the rest already stays there, and it gets no partition.
CREATE FUNCTION make_partitions(months date[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    parent record;
    month date;
    found boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('reporting partitions'));
    FOR parent IN VALUES ('entries', 'happened_on'), ('postings', 'booked_on') LOOP
        FOREACH month IN ARRAY months LOOP
            CONTINUE WHEN to_regclass(format('%s_%s', parent.column1, to_char(month, 'YYYYMM'))) IS NOT NULL;
            EXECUTE format(
                'SELECT EXISTS (SELECT FROM %I WHERE %I >= %L AND %I < %L)',
                parent.column1 || '_rest', parent.column2, month, parent.column2, month + interval '1 month'
            ) INTO found;
            CONTINUE WHEN found;
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                parent.column1 || '_' || to_char(month, 'YYYYMM'), parent.column1,
                month, (month + interval '1 month')::date
            );
        END LOOP;
    END LOOP;
END $$;
