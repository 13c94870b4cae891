-- What operators did by hand, and when a PSP was last asked because somebody waits for it.

-- Rows are added and never changed.
CREATE TABLE operator_actions (
    merchant_id text NOT NULL,
    id text NOT NULL,
    payment_id text NOT NULL,
    attempt_id text NOT NULL,
    outcome text NOT NULL,
    operator text NOT NULL,
    note text NOT NULL,
    trace_id text NOT NULL,
    acted_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT operator_actions_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT operator_actions_outcome CHECK (outcome IN ('done', 'not_done')),
    -- An attempt is settled by hand once.
    CONSTRAINT operator_actions_attempt_key UNIQUE (merchant_id, attempt_id)
);
CREATE INDEX operator_actions_newest ON operator_actions (acted_at DESC);
CREATE FUNCTION operator_actions_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'operator_actions is append only' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER operator_actions_stay BEFORE UPDATE OR DELETE ON operator_actions
    FOR EACH ROW EXECUTE FUNCTION operator_actions_stay();

ALTER TABLE payments ADD COLUMN asked_at timestamptz;
