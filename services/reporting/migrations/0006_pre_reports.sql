-- What reports need to know about an entry besides its postings: the payment method, and for receivables the days on
-- which what it adds is due (`{"2027-01-31": 5000}`).
ALTER TABLE entries ADD COLUMN method text, ADD COLUMN dues jsonb;
CREATE INDEX entries_with_dues ON entries (merchant_id, resource_id) WHERE dues IS NOT NULL;

-- Who acquires for a PSP account, as an Italian shop registers it for its till.
ALTER TABLE sources ADD COLUMN acquirer text, ADD COLUMN tax_code text;

-- Files of reports: made by a worker, kept in pieces so that any replica can send them, and deleted after a while.
CREATE TABLE report_runs (
    merchant_id text NOT NULL,
    id text NOT NULL,
    state text NOT NULL,
    report text NOT NULL,
    format text NOT NULL,
    booked_from date,
    booked_to date,
    currency text,
    rows bigint NOT NULL,
    size_bytes bigint NOT NULL,
    failed_reason text,
    schedule_id text,
    created_by text NOT NULL,
    trace_id text NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    expires_at timestamptz,
    attempts integer NOT NULL,
    due_at timestamptz,
    CONSTRAINT report_runs_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT report_runs_state CHECK (state IN ('queued', 'running', 'done', 'failed', 'expired')),
    CONSTRAINT report_runs_due CHECK ((state IN ('queued', 'running')) = (due_at IS NOT NULL))
);
CREATE INDEX report_runs_due_at ON report_runs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX report_runs_by_age ON report_runs (created_at);
CREATE INDEX report_runs_of_schedule ON report_runs (merchant_id, schedule_id, id) WHERE schedule_id IS NOT NULL;

CREATE TABLE report_pieces (
    merchant_id text NOT NULL,
    run_id text NOT NULL,
    number integer NOT NULL,
    data bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT report_pieces_pkey PRIMARY KEY (merchant_id, run_id, number)
);
CREATE INDEX report_pieces_by_age ON report_pieces (created_at);
ALTER TABLE report_pieces ALTER COLUMN data SET STORAGE EXTERNAL;

-- Reports that are made regularly. `due_at` is by the merchant's clock.
CREATE TABLE report_schedules (
    merchant_id text NOT NULL,
    id text NOT NULL,
    state text NOT NULL,
    report text NOT NULL,
    format text NOT NULL,
    currency text,
    every text NOT NULL,
    hour integer NOT NULL,
    emails text[] NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    due_at timestamptz,
    CONSTRAINT report_schedules_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT report_schedules_state CHECK (state IN ('active', 'stopped')),
    CONSTRAINT report_schedules_every CHECK (every IN ('day', 'week', 'month')),
    CONSTRAINT report_schedules_hour CHECK (hour BETWEEN 0 AND 23),
    CONSTRAINT report_schedules_due CHECK ((state = 'active') = (due_at IS NOT NULL))
);
CREATE INDEX report_schedules_due_at ON report_schedules (due_at) WHERE due_at IS NOT NULL;
