-- Couriers' remittance files and their lines. What is booked of a parcel is the sum of its booked lines.

CREATE TABLE remittances (
    merchant_id text NOT NULL,
    id text NOT NULL,
    state text NOT NULL,
    courier_id text NOT NULL,
    name text,
    digest text NOT NULL,
    currency text NOT NULL,
    tolerance_minor integer NOT NULL,
    lines integer NOT NULL,
    remitted_minor bigint NOT NULL,
    results jsonb NOT NULL,
    exceptions integer NOT NULL,
    created_at timestamptz NOT NULL,
    committed_at timestamptz,
    CONSTRAINT remittances_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT remittances_courier FOREIGN KEY (merchant_id, courier_id) REFERENCES couriers,
    CONSTRAINT remittances_file UNIQUE (merchant_id, courier_id, digest),
    CONSTRAINT remittances_state CHECK (state IN ('previewed', 'committed')),
    CONSTRAINT remittances_committed CHECK ((state = 'committed') = (committed_at IS NOT NULL))
);

-- `booked`: kept + remitted + shortage is what was owed for the parcel, and counts against it.
CREATE TABLE remittance_lines (
    merchant_id text NOT NULL,
    id text NOT NULL,
    remittance_id text NOT NULL,
    courier_id text NOT NULL,
    line integer NOT NULL,
    tracking_number text NOT NULL,
    sender_reference text NOT NULL,
    collected_minor bigint,
    cut_minor bigint,
    remitted_minor bigint NOT NULL,
    paid_on date,
    meaning text,
    result text NOT NULL,
    is_exception boolean NOT NULL,
    cod_order_id text,
    parcel text,
    suggestions text[] NOT NULL,
    booked boolean NOT NULL,
    kept_minor bigint NOT NULL,
    shortage_minor bigint NOT NULL,
    CONSTRAINT remittance_lines_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT remittance_lines_remittance FOREIGN KEY (merchant_id, remittance_id) REFERENCES remittances,
    CONSTRAINT remittance_lines_booked CHECK (NOT booked OR (parcel IS NOT NULL AND cod_order_id IS NOT NULL)),
    CONSTRAINT remittance_lines_result CHECK (result IN (
        'matched', 'short', 'cut_wrong', 'came_back', 'over', 'returned', 'returned_with_money', 'not_owed',
        'taken_back', 'unknown', 'duplicate', 'suggested'
    ))
);
CREATE INDEX remittance_lines_of ON remittance_lines (merchant_id, remittance_id, id);
CREATE INDEX remittance_lines_parcel ON remittance_lines (merchant_id, courier_id, parcel) WHERE booked;
