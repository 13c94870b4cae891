-- Most clicks belong to no session, and none knows its payment when it begins.

ALTER TABLE charges
    DROP CONSTRAINT charges_one_per_payment,
    DROP CONSTRAINT charges_one_per_session_try;
CREATE UNIQUE INDEX charges_one_per_payment ON charges (merchant_id, payment_id)
    WHERE payment_id IS NOT NULL;
CREATE UNIQUE INDEX charges_one_per_session_try ON charges (merchant_id, session_id, session_try)
    WHERE session_id IS NOT NULL;
