-- What an erased customer leaves behind is found by these; a cart may lose its addresses.
CREATE INDEX links_customer ON links (merchant_id, customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX outbox_aggregate ON outbox (merchant_id, aggregate_id);
CREATE INDEX idempotency_keys_resource ON idempotency_keys (merchant_id, resource_id);

ALTER TABLE carts DROP CONSTRAINT carts_can_be_reached;
ALTER TABLE carts ADD CONSTRAINT carts_recovered_by_itself_can_be_reached CHECK (
    due_at IS NULL OR recipient_email IS NOT NULL OR recipient_phone IS NOT NULL
);
