-- Messages to shoppers, their attempts, and addresses to which nothing is sent any more.
-- The merchant comes first in every key, so that the tables can be distributed by it.

CREATE TABLE messages (
    merchant_id text NOT NULL,
    id text NOT NULL,
    state text NOT NULL,
    kind text NOT NULL,
    channel text NOT NULL,
    -- Empty until the contact was looked up, and again after the owner was erased.
    recipient text NOT NULL,
    locale text NOT NULL,
    payment_link_id text,
    payment_id text,
    customer_id text,
    event_id text NOT NULL,
    -- What the words are about, as domain.About; never the link's address.
    about jsonb NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    error text,
    provider_reference text,
    resend_of text,
    -- The world's time at which a worker looks at it (again): a try, or the end of a try's lease.
    due_at timestamptz,
    -- Set before the moment from which on the other side may have it, whatever we hear.
    handing_over_at timestamptz,
    -- What the last try said, to recognise it at the provider.
    body_sha256 text,
    sent_at timestamptz,
    delivered_at timestamptz,
    queued_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL,
    CONSTRAINT messages_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT messages_state CHECK (state IN ('queued', 'sending', 'sent', 'delivered', 'bounced',
        'failed', 'suppressed', 'unknown', 'obsolete')),
    CONSTRAINT messages_kind CHECK (kind IN ('link', 'link_reminder', 'link_reissued', 'cart',
        'balance', 'receipt', 'refund', 'pending')),
    CONSTRAINT messages_channel CHECK (channel IN ('email', 'sms', 'whatsapp')),
    CONSTRAINT messages_waiting_are_due CHECK (
        state NOT IN ('queued', 'sending') OR due_at IS NOT NULL
    )
);
-- One message per event, channel and kind, however often the event comes.
CREATE UNIQUE INDEX messages_once ON messages (merchant_id, event_id, channel, kind)
    WHERE resend_of IS NULL;
CREATE INDEX messages_due ON messages (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX messages_link ON messages (merchant_id, payment_link_id, id)
    WHERE payment_link_id IS NOT NULL;
CREATE INDEX messages_payment ON messages (merchant_id, payment_id, id)
    WHERE payment_id IS NOT NULL;
CREATE INDEX messages_customer ON messages (merchant_id, customer_id)
    WHERE customer_id IS NOT NULL;
-- Returned mail names the message only; providers name their own reference.
CREATE INDEX messages_id ON messages (id);
CREATE INDEX messages_reference ON messages (provider_reference)
    WHERE provider_reference IS NOT NULL;

-- One row per try, committed before it.
CREATE TABLE message_attempts (
    merchant_id text NOT NULL,
    message_id text NOT NULL,
    number integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    handing_over_at timestamptz,
    ended_at timestamptz,
    outcome text,
    error text,
    CONSTRAINT message_attempts_pkey PRIMARY KEY (merchant_id, message_id, number),
    CONSTRAINT message_attempts_message_fkey FOREIGN KEY (merchant_id, message_id)
        REFERENCES messages
);

-- What was told of a message before we had stored that it was sent; applied when we do. Returned
-- mail is kept under the message's id.
CREATE TABLE provider_notices (
    provider_reference text NOT NULL,
    event text NOT NULL,
    error text,
    suppression text,
    received_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT provider_notices_pkey PRIMARY KEY (provider_reference, event)
);

CREATE TABLE suppressions (
    merchant_id text NOT NULL,
    id text NOT NULL,
    channel text NOT NULL,
    recipient text NOT NULL,
    reason text NOT NULL,
    created_at timestamptz NOT NULL,
    removed_at timestamptz,
    CONSTRAINT suppressions_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT suppressions_channel CHECK (channel IN ('email', 'sms', 'whatsapp')),
    CONSTRAINT suppressions_reason CHECK (reason IN ('bounced', 'complained')),
    CONSTRAINT suppressions_removed_have_no_address CHECK (removed_at IS NULL OR recipient = '')
);
CREATE UNIQUE INDEX suppressions_address ON suppressions (merchant_id, channel, recipient)
    WHERE removed_at IS NULL;
