-- Plans may list what was bought, so that it can be refunded line by line.

ALTER TABLE plans
    ADD COLUMN items jsonb NOT NULL DEFAULT '[]';
ALTER TABLE plan_refunds
    ADD COLUMN items jsonb NOT NULL DEFAULT '[]';
