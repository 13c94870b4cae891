-- Addresses of the pages of plans: found by the hash of their token, sealed to be told again.
CREATE TABLE plan_addresses (
    merchant_id text NOT NULL,
    plan_id text NOT NULL,
    token_hash bytea NOT NULL,
    sealed text NOT NULL,
    issued_at timestamptz NOT NULL,
    CONSTRAINT plan_addresses_pkey PRIMARY KEY (merchant_id, plan_id),
    CONSTRAINT plan_addresses_token UNIQUE (token_hash),
    CONSTRAINT plan_addresses_plan FOREIGN KEY (merchant_id, plan_id) REFERENCES plans
);
