-- Payment links of parts that were missed, which paylink is asked for.

-- The id is the key under which paylink is asked. `due_at`: when paylink is asked next, `checks`: how often it
-- was, by the world's clock as `begun_at`.
CREATE TABLE part_links (
    merchant_id text NOT NULL,
    id text NOT NULL,
    plan_id text NOT NULL,
    number integer NOT NULL,
    state text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    description text NOT NULL,
    payment_link_id text,
    created_at timestamptz NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now(),
    checks integer NOT NULL DEFAULT 0,
    due_at timestamptz,
    CONSTRAINT part_links_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT part_links_instalment FOREIGN KEY (merchant_id, plan_id, number) REFERENCES instalments,
    CONSTRAINT part_links_state CHECK (state IN ('wanted', 'open', 'closing', 'closed', 'paid')),
    CONSTRAINT part_links_amount CHECK (amount_minor > 0),
    CONSTRAINT part_links_open CHECK (state <> 'open' OR payment_link_id IS NOT NULL)
);
-- One at a time of each part.
CREATE UNIQUE INDEX part_links_one ON part_links (merchant_id, plan_id, number)
    WHERE state IN ('wanted', 'open');
CREATE INDEX part_links_plan ON part_links (merchant_id, plan_id);
CREATE INDEX part_links_due ON part_links (due_at) WHERE due_at IS NOT NULL;
