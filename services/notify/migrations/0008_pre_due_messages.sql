-- A message is written a few times within a second. What these writes change is in no index of it any
-- more, so that they stay on their page: when it is due has a narrow table of its own, the state is in an
-- index only where it is not one that nearly every message passes through, and what a mail server
-- answered is in none.

CREATE TABLE due_messages (
    merchant_id text NOT NULL,
    id text NOT NULL,
    channel text NOT NULL,
    -- The world's time at which a worker looks at it (again).
    due_at timestamptz NOT NULL,
    -- Until then it is a worker's; not in an index.
    leased_until timestamptz,
    CONSTRAINT due_messages_pkey PRIMARY KEY (merchant_id, id)
) WITH (fillfactor = 50);
CREATE INDEX due_messages_due ON due_messages (due_at);

ALTER TABLE messages
    DROP CONSTRAINT messages_waiting_are_due,
    -- Null for the states that nearly every message has: what waits is found by due_messages, what was
    -- sent among the newest.
    ADD COLUMN listed_state text GENERATED ALWAYS AS (
        CASE WHEN state NOT IN ('queued', 'sending', 'sent') THEN state END
    ) STORED,
    -- By which a provider of text messages tells of it; nobody asks for what a mail server answered.
    ADD COLUMN text_reference text GENERATED ALWAYS AS (
        CASE WHEN channel <> 'email' THEN provider_reference END
    ) STORED,
    -- Whom it was for is not known any more.
    ADD COLUMN forgotten boolean NOT NULL DEFAULT false,
    SET (fillfactor = 60);
CREATE INDEX messages_listed ON messages (merchant_id, listed_state, id)
    WHERE listed_state IS NOT NULL;
CREATE INDEX messages_text_reference ON messages (text_reference) WHERE text_reference IS NOT NULL;
CREATE INDEX messages_remembered ON messages (queued_at) WHERE NOT forgotten;

INSERT INTO due_messages (merchant_id, id, channel, due_at)
SELECT merchant_id, id, channel, due_at FROM messages WHERE due_at IS NOT NULL;
UPDATE messages SET due_at = NULL WHERE due_at IS NOT NULL;

-- While the version before still runs: what it writes of when a message is due.
CREATE FUNCTION messages_due_elsewhere() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.due_at IS NOT NULL THEN
        INSERT INTO due_messages (merchant_id, id, channel, due_at)
        VALUES (NEW.merchant_id, NEW.id, NEW.channel, NEW.due_at)
        ON CONFLICT ON CONSTRAINT due_messages_pkey
            DO UPDATE SET due_at = EXCLUDED.due_at, leased_until = NULL;
        UPDATE messages SET due_at = NULL WHERE merchant_id = NEW.merchant_id AND id = NEW.id;
    ELSIF NEW.state NOT IN ('queued', 'sending') THEN
        DELETE FROM due_messages WHERE merchant_id = NEW.merchant_id AND id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER messages_due_elsewhere AFTER INSERT OR UPDATE OF due_at ON messages
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION messages_due_elsewhere();
