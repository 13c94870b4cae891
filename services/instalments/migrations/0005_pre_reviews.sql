-- Plans that a person looks at before they can be signed, and who decided what.

-- `review`: why, and what was decided.
ALTER TABLE plans
    ADD COLUMN review jsonb,
    DROP CONSTRAINT plans_state,
    DROP CONSTRAINT plans_accepted,
    ADD CONSTRAINT plans_state CHECK (state IN (
        'offered', 'in_review', 'refused', 'accepted', 'active', 'completed', 'defaulted', 'withdrawn',
        'cancelled', 'expired'
    )),
    ADD CONSTRAINT plans_accepted CHECK (
        state IN ('offered', 'in_review', 'refused', 'cancelled', 'expired') OR acceptance IS NOT NULL
    );

-- Rows are added and never changed.
CREATE TABLE reviews (
    merchant_id text NOT NULL,
    id text NOT NULL,
    plan_id text NOT NULL,
    before text NOT NULL,
    after text NOT NULL,
    reason text NOT NULL,
    decided_by text NOT NULL,
    actor text NOT NULL,
    trace_id text NOT NULL,
    decided_at timestamptz NOT NULL,
    CONSTRAINT reviews_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT reviews_plan FOREIGN KEY (merchant_id, plan_id) REFERENCES plans
);
CREATE INDEX reviews_of_plan ON reviews (merchant_id, plan_id, id);
CREATE FUNCTION reviews_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'reviews is append only' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER reviews_stay BEFORE UPDATE OR DELETE ON reviews
    FOR EACH ROW EXECUTE FUNCTION reviews_stay();
