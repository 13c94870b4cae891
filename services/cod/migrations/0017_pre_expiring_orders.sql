-- Orders that their recipients have not confirmed, or whose deposit they have not paid, are cancelled.
ALTER TABLE settings ADD COLUMN expires_after_days integer NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN expires_at timestamptz;
CREATE INDEX orders_expiry ON orders (expires_at) WHERE expires_at IS NOT NULL AND state IN ('proposed', 'confirmed');
