-- Where transfers go is changed with a delay, and the owner is told. One change waits at a time;
-- those before stay as the record of who changed what.

ALTER TABLE merchants ADD COLUMN contact_email text;

CREATE TABLE bank_account_changes (
    merchant_id text NOT NULL,
    id text NOT NULL,
    state text NOT NULL,
    holder text NOT NULL,
    iban text NOT NULL,
    bic text,
    -- Key or operator.
    requested_by text NOT NULL,
    -- These two by the merchant's clock.
    requested_at timestamptz NOT NULL,
    effective_at timestamptz NOT NULL,
    -- Key or operator that ended it; its service when it took effect.
    ended_by text,
    ended_at timestamptz,
    CONSTRAINT bank_account_changes_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT bank_account_changes_merchant_fkey FOREIGN KEY (merchant_id) REFERENCES merchants (id),
    CONSTRAINT bank_account_changes_state CHECK (
        state IN ('pending', 'effective', 'cancelled', 'replaced')
    ),
    CONSTRAINT bank_account_changes_end CHECK (
        (state = 'pending') = (ended_at IS NULL) AND (ended_at IS NULL) = (ended_by IS NULL)
    )
);
CREATE UNIQUE INDEX bank_account_changes_one_pending ON bank_account_changes (merchant_id)
    WHERE state = 'pending';
CREATE INDEX bank_account_changes_due ON bank_account_changes (effective_at) WHERE state = 'pending';
