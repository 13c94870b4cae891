-- E-mail addresses are kept as they were typed and compared without regard to case. A new name: the old
-- index serves the old version until it is gone.
CREATE INDEX customers_by_email ON customers (merchant_id, lower(email), id)
    WHERE email IS NOT NULL;
