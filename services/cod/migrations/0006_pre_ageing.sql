-- Orders with money that no remittance has accounted for, or not for all of it.
CREATE INDEX orders_unremitted ON orders (merchant_id, courier_id) WHERE collected_minor > 0 AND state <> 'remitted';
