-- Payment links, their addresses, the tries to pay them, and bank transfers.
-- The merchant comes first in every key but the token's, which is all that a shopper has.

-- `due_at`: when the worker must look at it (reminder or end), by the merchant's clock;
-- `held_until`: a worker has it, by the world's. `version` changes whenever the page does.
CREATE TABLE links (
    merchant_id text NOT NULL,
    id text NOT NULL,
    state text NOT NULL,
    version bigint NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    deposit_minor bigint,
    paid_minor bigint NOT NULL,
    description text NOT NULL,
    order_reference text NOT NULL,
    recipient_name text,
    recipient_email text,
    recipient_phone text,
    channels text[] NOT NULL,
    locale text NOT NULL,
    line_items jsonb NOT NULL,
    quote jsonb,
    acceptance jsonb,
    reusable boolean NOT NULL,
    max_uses integer,
    uses integer NOT NULL,
    methods text[] NOT NULL,
    reminder_days integer[] NOT NULL,
    reminders_stopped boolean NOT NULL,
    next_reminder_at timestamptz,
    reissue_on_expiry boolean NOT NULL,
    reissued_by_itself boolean NOT NULL,
    reissues integer NOT NULL,
    creditor_reference text NOT NULL,
    customer_id text,
    payment_id text,
    paying_by text,
    origin text NOT NULL,
    balance_of text,
    cart_id text,
    success_url text,
    metadata jsonb NOT NULL,
    trace_id text NOT NULL,
    expires_in_days integer NOT NULL,
    expires_at timestamptz NOT NULL,
    issued_at timestamptz NOT NULL,
    sent_at timestamptz,
    seen_at timestamptz,
    paid_at timestamptz,
    ended_at timestamptz,
    created_at timestamptz NOT NULL,
    due_at timestamptz,
    held_until timestamptz NOT NULL DEFAULT '-infinity',
    CONSTRAINT links_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT links_creditor_reference_key UNIQUE (merchant_id, creditor_reference),
    CONSTRAINT links_one_balance UNIQUE (merchant_id, balance_of),
    CONSTRAINT links_state CHECK (
        state IN ('created', 'sent', 'seen', 'quote_accepted', 'paying', 'paid', 'expired', 'cancelled')
    ),
    CONSTRAINT links_origin CHECK (origin IN ('api', 'shop', 'cart', 'balance')),
    CONSTRAINT links_paying_by CHECK (paying_by IN ('card', 'bank_transfer')),
    CONSTRAINT links_paying CHECK ((state = 'paying') = (paying_by IS NOT NULL)),
    CONSTRAINT links_amount CHECK (amount_minor > 0),
    CONSTRAINT links_deposit CHECK (deposit_minor > 0 AND deposit_minor < amount_minor),
    CONSTRAINT links_paid CHECK (
        paid_minor >= 0 AND (reusable OR paid_minor <= coalesce(deposit_minor, amount_minor))
    ),
    CONSTRAINT links_uses CHECK (uses >= 0 AND uses <= coalesce(max_uses, uses))
);
CREATE INDEX links_order ON links (merchant_id, order_reference, id);
CREATE INDEX links_cart ON links (merchant_id, cart_id) WHERE cart_id IS NOT NULL;
CREATE INDEX links_due ON links (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX links_due_by_a_test_clock ON links (merchant_id, due_at) WHERE due_at IS NOT NULL;

-- Addresses: the token's SHA-256 to find it by, and the token sealed, to tell it again.
CREATE TABLE link_tokens (
    token_hash bytea NOT NULL,
    merchant_id text NOT NULL,
    link_id text NOT NULL,
    sealed text NOT NULL,
    issued_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    CONSTRAINT link_tokens_pkey PRIMARY KEY (token_hash),
    CONSTRAINT link_tokens_link_fkey FOREIGN KEY (merchant_id, link_id) REFERENCES links
);
CREATE UNIQUE INDEX link_tokens_one_valid ON link_tokens (merchant_id, link_id)
    WHERE withdrawn_at IS NULL;

-- One try to pay; its id is the key of payments.CreatePayment. `request` is what payments is asked,
-- sealed, kept until it answered. `due_at` and `begun_at` are by the world's clock.
CREATE TABLE link_payments (
    merchant_id text NOT NULL,
    id text NOT NULL,
    link_id text NOT NULL,
    reusable boolean NOT NULL,
    state text NOT NULL,
    method text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    request text,
    payment_id text,
    payment_state text,
    next_action_type text,
    next_action_url text,
    instrument_id text,
    brand text NOT NULL,
    last4 text NOT NULL,
    payer_email text,
    bank_transfer_id text,
    decline jsonb,
    refusal jsonb,
    satisfaction integer,
    checks integer NOT NULL DEFAULT 0,
    due_at timestamptz,
    begun_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT link_payments_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT link_payments_link_fkey FOREIGN KEY (merchant_id, link_id) REFERENCES links,
    CONSTRAINT link_payments_one_per_payment UNIQUE (merchant_id, payment_id),
    CONSTRAINT link_payments_state CHECK (
        state IN ('processing', 'succeeded', 'declined', 'cancelled')
    ),
    CONSTRAINT link_payments_method CHECK (method IN ('card', 'bank_transfer')),
    CONSTRAINT link_payments_amount CHECK (amount_minor > 0),
    CONSTRAINT link_payments_satisfaction CHECK (satisfaction BETWEEN 1 AND 5)
);
-- One order, one payment: whatever goes wrong elsewhere.
CREATE UNIQUE INDEX link_payments_one_of_single_use ON link_payments (merchant_id, link_id)
    WHERE NOT reusable AND state IN ('processing', 'succeeded');
CREATE INDEX link_payments_link ON link_payments (merchant_id, link_id, id);
CREATE INDEX link_payments_due ON link_payments (due_at) WHERE due_at IS NOT NULL;

-- Money that arrived on a merchant's account. Waiting ones are settled when the card payment of
-- their link has its end.
CREATE TABLE bank_transfers (
    merchant_id text NOT NULL,
    id text NOT NULL,
    state text NOT NULL,
    bank_reference text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    creditor_reference text,
    link_id text,
    surplus_minor bigint NOT NULL,
    waits boolean NOT NULL,
    booked_on text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT bank_transfers_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT bank_transfers_bank_reference_key UNIQUE (merchant_id, bank_reference),
    CONSTRAINT bank_transfers_state CHECK (
        state IN ('unmatched', 'matched', 'partial', 'surplus')
    ),
    CONSTRAINT bank_transfers_amount CHECK (amount_minor > 0),
    CONSTRAINT bank_transfers_surplus CHECK (surplus_minor BETWEEN 0 AND amount_minor)
);
CREATE INDEX bank_transfers_link ON bank_transfers (merchant_id, link_id) WHERE waits;

-- How many links a merchant made in a month, for plans that limit it.
CREATE TABLE link_quotas (
    merchant_id text NOT NULL,
    month date NOT NULL,
    used integer NOT NULL,
    CONSTRAINT link_quotas_pkey PRIMARY KEY (merchant_id, month)
);
