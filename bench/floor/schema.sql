-- Tables of the bare walk of bench/floor: what each step writes, with the fewest indexes that find it again.
CREATE TABLE keys (key text PRIMARY KEY, answer bytea, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE customers (id text PRIMARY KEY, body jsonb NOT NULL);
INSERT INTO customers SELECT 'cus_' || n, '{"name": "Giulia Bianchi"}' FROM generate_series(1, 64) AS n;
CREATE TABLE charges (
    id text PRIMARY KEY,
    customer_id text NOT NULL,
    amount_minor bigint NOT NULL,
    state text NOT NULL,
    body jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX charges_customer ON charges (customer_id, created_at);
CREATE TABLE payments (
    id text PRIMARY KEY,
    order_reference text NOT NULL,
    amount_minor bigint NOT NULL,
    state text NOT NULL,
    body jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX payments_order ON payments (order_reference);
CREATE TABLE attempts (id text PRIMARY KEY, payment_id text NOT NULL, state text NOT NULL, due_at timestamptz);
CREATE INDEX attempts_due ON attempts (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE outbox (id text PRIMARY KEY, body bytea NOT NULL, published_at timestamptz);
CREATE INDEX outbox_waiting ON outbox (id) WHERE published_at IS NULL;
CREATE TABLE inbox (id text PRIMARY KEY, body bytea NOT NULL);
CREATE TABLE messages (id text PRIMARY KEY, state text NOT NULL, body jsonb NOT NULL, due_at timestamptz);
CREATE INDEX messages_due ON messages (due_at) WHERE due_at IS NOT NULL;
