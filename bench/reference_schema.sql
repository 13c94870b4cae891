-- Tables of reference_charge.sql, as bare as they can be.
CREATE TABLE accounts (id bigint PRIMARY KEY, psp text NOT NULL);
INSERT INTO accounts SELECT n, 'sandbox' FROM generate_series(1, 200) AS n;
CREATE TABLE payments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts (id),
    amount_minor bigint NOT NULL,
    state text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE attempts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment_id bigint NOT NULL REFERENCES payments (id),
    amount_minor bigint NOT NULL,
    state text NOT NULL
);
CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment_id bigint NOT NULL,
    subject text NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT now()
);
