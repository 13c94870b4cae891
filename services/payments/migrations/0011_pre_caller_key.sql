-- A payment is found by the key under which its caller asked for it, as long as the payment is kept:
-- the rows of idempotency_keys are purged. Never two payments of one key, whatever was purged.

ALTER TABLE payments
    ADD COLUMN caller text NOT NULL DEFAULT '',
    ADD COLUMN caller_key text NOT NULL DEFAULT '';
CREATE UNIQUE INDEX payments_one_per_caller_key ON payments (merchant_id, caller_key, caller)
    WHERE caller_key <> '';
