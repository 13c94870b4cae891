-- The one-page shop with its products, and carts that were left.

CREATE TABLE shops (
    merchant_id text NOT NULL,
    slug text NOT NULL,
    state text NOT NULL,
    title text,
    description text,
    created_at timestamptz NOT NULL,
    CONSTRAINT shops_pkey PRIMARY KEY (merchant_id),
    CONSTRAINT shops_slug UNIQUE (slug),  -- over all merchants: it is an address
    CONSTRAINT shops_state CHECK (state IN ('open', 'closed'))
);

CREATE TABLE products (
    merchant_id text NOT NULL,
    id text NOT NULL,
    state text NOT NULL,
    name text NOT NULL,
    description text,
    price_minor bigint NOT NULL,
    currency text NOT NULL,
    max_quantity integer NOT NULL,
    position integer NOT NULL,
    metadata jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT products_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT products_state CHECK (state IN ('active', 'archived')),
    CONSTRAINT products_price CHECK (price_minor > 0),
    CONSTRAINT products_max_quantity CHECK (max_quantity > 0)
);
CREATE INDEX products_shown ON products (merchant_id, position, name, id) WHERE state = 'active';

-- `line_items`: [{name, quantity, unit_amount_minor}]. `recover_at` is what the merchant asked for;
-- `due_at` is when the worker looks (again), null once nothing is to be sent by itself.
CREATE TABLE carts (
    merchant_id text NOT NULL,
    id text NOT NULL,
    state text NOT NULL,
    reference text NOT NULL,
    recipient_name text,
    recipient_email text,
    recipient_phone text,
    line_items jsonb NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    locale text NOT NULL,
    recover_at timestamptz,
    due_at timestamptz,
    payment_link_id text,
    metadata jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT carts_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT carts_reference UNIQUE (merchant_id, reference),
    CONSTRAINT carts_one_link UNIQUE (merchant_id, payment_link_id),
    CONSTRAINT carts_state CHECK (
        state IN ('open', 'recovering', 'recovered', 'completed', 'lost')
    ),
    CONSTRAINT carts_amount CHECK (amount_minor > 0),
    CONSTRAINT carts_can_be_reached CHECK (
        recipient_email IS NOT NULL OR recipient_phone IS NOT NULL
    ),
    CONSTRAINT carts_recovery_has_a_link CHECK (
        state NOT IN ('recovering', 'recovered', 'lost') OR payment_link_id IS NOT NULL
    ),
    CONSTRAINT carts_only_open_ones_are_due CHECK (due_at IS NULL OR state = 'open')
);
CREATE INDEX carts_due ON carts (due_at) WHERE due_at IS NOT NULL;

-- How many unpaid purchases an e-mail address has.
CREATE INDEX links_purchases ON links (merchant_id, lower(recipient_email), created_at)
    WHERE origin = 'shop';
