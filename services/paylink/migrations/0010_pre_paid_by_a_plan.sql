-- A plan that its customer signs pays a link as well: it is a try like the others.
ALTER TABLE links DROP CONSTRAINT links_paying_by;
ALTER TABLE links ADD CONSTRAINT links_paying_by CHECK (
    paying_by IN ('card', 'bank_transfer', 'instalments')
);
ALTER TABLE link_payments DROP CONSTRAINT link_payments_method;
ALTER TABLE link_payments ADD CONSTRAINT link_payments_method CHECK (
    method IN ('card', 'bank_transfer', 'instalments')
);
ALTER TABLE link_payments ADD COLUMN plan_id text;
CREATE UNIQUE INDEX link_payments_one_per_plan ON link_payments (merchant_id, plan_id)
    WHERE plan_id IS NOT NULL;
