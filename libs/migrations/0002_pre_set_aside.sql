-- Events that cannot be published: how often it was tried, when again, and since when no more. And
-- what waits by merchant, so that the relay takes from each in turn.
ALTER TABLE outbox
    ADD COLUMN tries integer NOT NULL DEFAULT 0,
    ADD COLUMN retry_at timestamptz,
    ADD COLUMN set_aside_at timestamptz,
    ADD COLUMN error text;
CREATE INDEX outbox_waiting ON outbox (merchant_id, seq)
    WHERE published_at IS NULL AND set_aside_at IS NULL;
CREATE INDEX outbox_set_aside ON outbox (seq) WHERE set_aside_at IS NOT NULL;
