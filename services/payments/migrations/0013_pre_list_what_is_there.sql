-- The triggers of the file before keep the column of what is written meanwhile.
UPDATE payments SET listed_state = state WHERE state NOT IN ('processing', 'captured');
CREATE INDEX payments_listed ON payments (merchant_id, listed_state, id)
    WHERE listed_state IS NOT NULL;
