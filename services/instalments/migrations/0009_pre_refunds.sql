-- Refunds inside plans: what is decided of the price, and what payments is asked to give back.

-- Of the price: given back, or not to be paid any more.
ALTER TABLE plans
    ADD COLUMN price_refunded_minor bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT plans_price_refunded CHECK (price_refunded_minor BETWEEN 0 AND amount_minor);

-- What was given back of a part, and what is to be given back still.
ALTER TABLE instalments
    ADD COLUMN refunded_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN refunding_minor bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT instalments_refunds CHECK (refunded_minor >= 0 AND refunding_minor >= 0);

CREATE TABLE plan_refunds (
    merchant_id text NOT NULL,
    id text NOT NULL,
    plan_id text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    give_back_minor bigint NOT NULL,
    reason text,
    actor text NOT NULL,
    trace_id text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT plan_refunds_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT plan_refunds_plan FOREIGN KEY (merchant_id, plan_id) REFERENCES plans,
    CONSTRAINT plan_refunds_amounts CHECK (amount_minor > 0 AND give_back_minor >= 0)
);
CREATE INDEX plan_refunds_of_plan ON plan_refunds (merchant_id, plan_id, id);

-- Each is one refund of one payment; its id is the key under which payments is asked. Without
-- `refund_id` it was made at payments. `shares`: of which parts it gives back how much.
CREATE TABLE repayments (
    merchant_id text NOT NULL,
    id text NOT NULL,
    plan_id text NOT NULL,
    refund_id text,
    payment_id text NOT NULL,
    state text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    shares jsonb NOT NULL,
    reference text,
    refusal jsonb,
    told_at timestamptz,
    created_at timestamptz NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now(),
    checks integer NOT NULL DEFAULT 0,
    due_at timestamptz,
    CONSTRAINT repayments_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT repayments_plan FOREIGN KEY (merchant_id, plan_id) REFERENCES plans,
    CONSTRAINT repayments_refund FOREIGN KEY (merchant_id, refund_id) REFERENCES plan_refunds,
    CONSTRAINT repayments_state CHECK (state IN ('started', 'under_way', 'succeeded', 'failed')),
    CONSTRAINT repayments_amount CHECK (amount_minor > 0)
);
CREATE UNIQUE INDEX repayments_reference ON repayments (merchant_id, reference) WHERE reference IS NOT NULL;
CREATE INDEX repayments_of_payment ON repayments (merchant_id, payment_id);
CREATE INDEX repayments_due ON repayments (due_at) WHERE due_at IS NOT NULL;
