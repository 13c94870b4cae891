-- Files for the merchant's bank. `refund_transfers`: which refunds were ever in which; the n-th time that one goes into
-- a file is there once. A file is sealed: it names people and their accounts.
ALTER TABLE settings ADD COLUMN refund_account jsonb;

CREATE TABLE refund_exports (
    merchant_id text NOT NULL,
    id text NOT NULL,
    refunds integer NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    execution_on date NOT NULL,
    trace_id text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT refund_exports_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT refund_exports_refunds CHECK (refunds > 0 AND amount_minor > 0)
);

CREATE TABLE refund_files (
    merchant_id text NOT NULL,
    export_id text NOT NULL,
    sealed text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT refund_files_pkey PRIMARY KEY (merchant_id, export_id),
    CONSTRAINT refund_files_export FOREIGN KEY (merchant_id, export_id) REFERENCES refund_exports
);
CREATE INDEX refund_files_age ON refund_files (created_at);

ALTER TABLE refunds
    ADD COLUMN export_id text,
    ADD CONSTRAINT refunds_export FOREIGN KEY (merchant_id, export_id) REFERENCES refund_exports,
    ADD CONSTRAINT refunds_exported CHECK (
        state NOT IN ('exported', 'paid') OR (export_id IS NOT NULL AND exports > 0)
    );
CREATE INDEX refunds_of_export ON refunds (merchant_id, export_id, id) WHERE export_id IS NOT NULL;

CREATE TABLE refund_transfers (
    merchant_id text NOT NULL,
    refund_id text NOT NULL,
    number integer NOT NULL,
    export_id text NOT NULL,
    CONSTRAINT refund_transfers_pkey PRIMARY KEY (merchant_id, refund_id, number),
    CONSTRAINT refund_transfers_refund FOREIGN KEY (merchant_id, refund_id) REFERENCES refunds,
    CONSTRAINT refund_transfers_export FOREIGN KEY (merchant_id, export_id) REFERENCES refund_exports
);
CREATE INDEX refund_transfers_of ON refund_transfers (merchant_id, export_id, refund_id);
