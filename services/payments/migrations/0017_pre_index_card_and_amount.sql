CREATE INDEX payments_last4 ON payments (merchant_id, last4, id) WHERE last4 <> '';
CREATE INDEX payments_amount ON payments (merchant_id, amount_minor, id);
