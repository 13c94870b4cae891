-- A payment's page shows what is not as expected.
CREATE INDEX exceptions_by_payment ON exceptions (merchant_id, payment_id) WHERE payment_id IS NOT NULL;
