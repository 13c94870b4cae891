-- Erasing a customer finds the answers that were kept for sessions.
CREATE INDEX idempotency_keys_session ON idempotency_keys (merchant_id, resource_id)
    WHERE resource_id LIKE 'ocs\_%';
