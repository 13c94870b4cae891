-- Facts that KPIs are computed from. Events in any order, repeated or not, leave the same rows: amounts are added once
-- for each payment, days and customers only ever move to the smallest, steps to the furthest.

-- What a payment brought: known by its event, plan or attempt, so that none is added twice.
CREATE TABLE order_payments (
    merchant_id text NOT NULL,
    order_key text NOT NULL,
    id text NOT NULL,
    method text NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    paid_on date NOT NULL,
    CONSTRAINT order_payments_pkey PRIMARY KEY (merchant_id, order_key, id)
);

CREATE TABLE paid_orders (
    merchant_id text NOT NULL,
    order_key text NOT NULL,
    currency text NOT NULL,
    ordered_on date NOT NULL,
    customer_id text,
    methods text[] NOT NULL,
    revenue_minor bigint NOT NULL,
    CONSTRAINT paid_orders_pkey PRIMARY KEY (merchant_id, order_key, currency)
);
CREATE INDEX paid_orders_by_day ON paid_orders (merchant_id, currency, ordered_on)
    INCLUDE (revenue_minor, methods, customer_id);
CREATE INDEX paid_orders_of_customers ON paid_orders (merchant_id, customer_id, ordered_on)
    INCLUDE (currency, revenue_minor) WHERE customer_id IS NOT NULL;

CREATE TABLE paying_customers (
    merchant_id text NOT NULL,
    customer_id text NOT NULL,
    first_paid_at timestamptz NOT NULL,
    first_paid_on date NOT NULL,
    first_method text NOT NULL,
    CONSTRAINT paying_customers_pkey PRIMARY KEY (merchant_id, customer_id)
);

-- Their orders have no customer any more, nor has one that is told of later.
CREATE TABLE erased_customers (
    merchant_id text NOT NULL,
    customer_id text NOT NULL,
    CONSTRAINT erased_customers_pkey PRIMARY KEY (merchant_id, customer_id)
);

-- How far a session, link, plan or order got; the day is that of its creation.
CREATE TABLE funnels (
    merchant_id text NOT NULL,
    method text NOT NULL,
    id text NOT NULL,
    currency text NOT NULL,
    started_on date NOT NULL,
    step smallint NOT NULL,
    previous_step smallint NOT NULL,
    CONSTRAINT funnels_pkey PRIMARY KEY (merchant_id, method, id),
    CONSTRAINT funnels_step CHECK (step > previous_step)
) WITH (fillfactor = 80);

-- How many of a day got to a step, or past it.
CREATE TABLE funnel_days (
    merchant_id text NOT NULL,
    currency text NOT NULL,
    method text NOT NULL,
    started_on date NOT NULL,
    step smallint NOT NULL,
    count bigint NOT NULL,
    CONSTRAINT funnel_days_pkey PRIMARY KEY (merchant_id, currency, method, started_on, step)
) WITH (fillfactor = 70);

CREATE TABLE recovery_carts (
    merchant_id text NOT NULL,
    id text NOT NULL,
    currency text NOT NULL,
    sent_on date,
    sent_minor bigint,
    paid_minor bigint,
    CONSTRAINT recovery_carts_pkey PRIMARY KEY (merchant_id, id)
);
CREATE INDEX recovery_carts_by_day ON recovery_carts (merchant_id, currency, sent_on);

-- What a merchant spent to keep the customers of a year.
CREATE TABLE retention_spends (
    merchant_id text NOT NULL,
    year integer NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT retention_spends_pkey PRIMARY KEY (merchant_id, year, currency),
    CONSTRAINT retention_spends_amount CHECK (amount_minor >= 0)
);
