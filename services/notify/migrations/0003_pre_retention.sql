-- When a delivery ended, after which it is kept for a while; and what finds that which is old.
ALTER TABLE webhook_deliveries ADD COLUMN ended_at timestamptz;
UPDATE webhook_deliveries SET ended_at = now() WHERE state <> 'pending';

CREATE INDEX webhook_deliveries_by_end ON webhook_deliveries (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX events_by_receipt ON events (received_at);
CREATE INDEX messages_with_address ON messages (queued_at) WHERE recipient <> '';
CREATE INDEX provider_notices_by_receipt ON provider_notices (received_at);
