-- What is being given back of a plan, and what a refund of it has given back.
CREATE INDEX repayments_of_plan ON repayments (merchant_id, plan_id);
CREATE INDEX repayments_of_refund ON repayments (merchant_id, refund_id) WHERE refund_id IS NOT NULL;
