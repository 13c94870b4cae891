-- Links for missed parts of instalment plans.

-- `paid_otherwise`: cancelled since the part was paid without it, which its page says.
ALTER TABLE links
    ADD COLUMN plan_id text,
    ADD COLUMN instalment_number integer,
    ADD COLUMN paid_otherwise boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT links_origin,
    ADD CONSTRAINT links_origin CHECK (origin IN ('api', 'shop', 'cart', 'balance', 'instalment')),
    ADD CONSTRAINT links_instalment CHECK (
        (origin = 'instalment') = (plan_id IS NOT NULL AND instalment_number IS NOT NULL)
    );
