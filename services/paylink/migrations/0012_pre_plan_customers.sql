-- Whose plan a try makes: the link's customer, or one that is made of the payer whom the link does not name.
-- `payer_name` until then.
ALTER TABLE link_payments ADD COLUMN customer_id text;
ALTER TABLE link_payments ADD COLUMN payer_name text;
CREATE INDEX link_payments_of_customer ON link_payments (merchant_id, customer_id)
    WHERE customer_id IS NOT NULL;
