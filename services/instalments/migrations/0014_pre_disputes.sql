-- Disputes of payments of plans, as payments tells them, and what of a part they hold or have taken.

ALTER TABLE instalments
    ADD COLUMN disputed_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN lost_minor bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT instalments_disputes CHECK (disputed_minor >= 0 AND lost_minor >= 0);

-- `shares`: which parts it concerns, with how much.
CREATE TABLE disputes (
    merchant_id text NOT NULL,
    id text NOT NULL,
    plan_id text NOT NULL,
    payment_id text NOT NULL,
    state text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    reason text NOT NULL,
    shares jsonb NOT NULL,
    told_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT disputes_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT disputes_plan FOREIGN KEY (merchant_id, plan_id) REFERENCES plans,
    CONSTRAINT disputes_state CHECK (state IN ('open', 'won', 'lost')),
    CONSTRAINT disputes_amount CHECK (amount_minor > 0)
);
