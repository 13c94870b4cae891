-- One payment may end a plan: it stands for all parts that are left.

-- `covers`: number and rebate of each part that it pays; empty where it pays `number` alone.
ALTER TABLE collections
    ADD COLUMN covers jsonb NOT NULL DEFAULT '[]';
-- One at a time. Parts are kept from each other by `collections_one`, and from a settlement by their
-- state, which changes under the plan's lock.
CREATE UNIQUE INDEX collections_settlement ON collections (merchant_id, plan_id)
    WHERE covers <> '[]' AND state IN ('started', 'under_way', 'succeeded');
