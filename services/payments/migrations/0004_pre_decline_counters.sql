-- Card testing: declines by who tries, so that all replicas know of them.

CREATE TABLE decline_counters (
    merchant_id text NOT NULL,
    subject text NOT NULL,
    declines integer NOT NULL,
    under_way integer NOT NULL,
    window_ends_at timestamptz NOT NULL,
    CONSTRAINT decline_counters_pkey PRIMARY KEY (merchant_id, subject)
);
-- For whoever deletes old ones.
CREATE INDEX decline_counters_window ON decline_counters (window_ends_at);

ALTER TABLE payments ADD COLUMN velocity_subjects text[] NOT NULL DEFAULT '{}';
