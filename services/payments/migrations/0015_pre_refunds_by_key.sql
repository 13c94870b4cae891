-- Whoever asked for a refund finds it by the key of the call, in answers and events.
ALTER TABLE attempts
    ADD COLUMN caller_key text NOT NULL DEFAULT '';
