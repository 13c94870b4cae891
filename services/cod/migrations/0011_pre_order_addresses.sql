-- Addresses of the pages of orders: found by the hash of their token, sealed to be told again.
CREATE TABLE order_addresses (
    merchant_id text NOT NULL,
    order_id text NOT NULL,
    token_hash bytea NOT NULL,
    sealed text NOT NULL,
    issued_at timestamptz NOT NULL,
    CONSTRAINT order_addresses_pkey PRIMARY KEY (merchant_id, order_id),
    CONSTRAINT order_addresses_token UNIQUE (token_hash),
    CONSTRAINT order_addresses_order FOREIGN KEY (merchant_id, order_id) REFERENCES orders
);
CREATE INDEX order_addresses_age ON order_addresses (issued_at);
