-- Refunds of cash by bank transfer: tasks with states. `account_sealed` opens with the seal's key only; the other
-- columns of the account are masked. What is asked for and not cancelled is summed in the order.
ALTER TABLE orders
    ADD COLUMN refunded_minor bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT orders_refunded CHECK (refunded_minor BETWEEN 0 AND collected_minor);

CREATE TABLE refunds (
    merchant_id text NOT NULL,
    id text NOT NULL,
    state text NOT NULL,
    cod_order_id text NOT NULL,
    order_reference text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    account_sealed text,
    account_holder text,
    account_iban text,
    account_given_by text,
    failure text,
    exports integer NOT NULL,
    metadata jsonb NOT NULL,
    trace_id text NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT refunds_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT refunds_order FOREIGN KEY (merchant_id, cod_order_id) REFERENCES orders,
    CONSTRAINT refunds_state CHECK (state IN ('requested', 'ready', 'exported', 'paid', 'failed', 'cancelled')),
    CONSTRAINT refunds_amount CHECK (amount_minor > 0),
    CONSTRAINT refunds_ready CHECK (state <> 'ready' OR account_sealed IS NOT NULL)
);
CREATE INDEX refunds_of_order ON refunds (merchant_id, cod_order_id, id);
CREATE INDEX refunds_state_id ON refunds (merchant_id, state, id);
CREATE INDEX refunds_age ON refunds (created_at) WHERE account_sealed IS NOT NULL;
