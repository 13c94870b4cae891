-- Orders of which a one-click payment was declined; those that were paid all the same are in paid_orders, too.
CREATE TABLE declined_orders (
    merchant_id text NOT NULL,
    order_key text NOT NULL,
    currency text NOT NULL,
    declined_on date NOT NULL,
    CONSTRAINT declined_orders_pkey PRIMARY KEY (merchant_id, order_key, currency)
);
CREATE INDEX declined_orders_by_day ON declined_orders (merchant_id, currency, declined_on) INCLUDE (order_key);
