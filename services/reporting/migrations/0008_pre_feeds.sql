-- PSPs' own lists of what they settle: up to where each account's was pulled, and when it is pulled next.
CREATE TABLE feeds (
    merchant_id text NOT NULL,
    id text NOT NULL,
    party text NOT NULL,
    cursor text NOT NULL,
    due_at timestamptz NOT NULL DEFAULT now(),
    checks integer NOT NULL DEFAULT 0,
    CONSTRAINT feeds_pkey PRIMARY KEY (merchant_id, id)
);
CREATE INDEX feeds_due ON feeds (due_at);
