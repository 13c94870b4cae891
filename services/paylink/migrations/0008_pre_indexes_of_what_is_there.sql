-- Few links are for a balance, and no try knows its payment when it begins.

ALTER TABLE links DROP CONSTRAINT links_one_balance;
CREATE UNIQUE INDEX links_one_balance ON links (merchant_id, balance_of)
    WHERE balance_of IS NOT NULL;
ALTER TABLE link_payments DROP CONSTRAINT link_payments_one_per_payment;
CREATE UNIQUE INDEX link_payments_one_per_payment ON link_payments (merchant_id, payment_id)
    WHERE payment_id IS NOT NULL;
