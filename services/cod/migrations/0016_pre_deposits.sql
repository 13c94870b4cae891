-- Deposits are paid online, by links of their own, before their orders are dispatched.

-- `kept_deposit`: the number of the link that paid it.
ALTER TABLE orders
    ADD COLUMN kept_deposit integer,
    ADD COLUMN deposit_paid_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN deposit_refunded_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN deposit_paid_at timestamptz,
    ADD CONSTRAINT orders_deposit_paid CHECK (
        CASE WHEN kept_deposit IS NULL THEN deposit_paid_minor = 0 AND deposit_paid_at IS NULL
        ELSE deposit_minor <= deposit_paid_minor AND deposit_paid_minor BETWEEN 1 AND paid_online_minor END
    ),
    ADD CONSTRAINT orders_deposit_refunded CHECK (deposit_refunded_minor BETWEEN 0 AND deposit_paid_minor),
    ADD CONSTRAINT orders_deposit_first CHECK (
        dispatched_at IS NULL OR deposit_minor = 0 OR kept_deposit IS NOT NULL
    );

-- `sealed_url`: the address of a deposit's link, as long as it is open.
ALTER TABLE order_links
    ADD COLUMN sealed_url text,
    DROP CONSTRAINT order_links_purpose,
    ADD CONSTRAINT order_links_purpose CHECK (purpose IN ('conversion', 'deposit'));
