-- Couriers and settings. The merchant comes first in every key, so that tables can be distributed by it.

CREATE TABLE couriers (
    merchant_id text NOT NULL,
    id text NOT NULL,
    state text NOT NULL,
    name text NOT NULL,
    currency text NOT NULL,
    cut jsonb NOT NULL,
    max_collect_minor bigint,
    modes jsonb NOT NULL,
    manifest_amounts text NOT NULL,
    zones jsonb NOT NULL,
    remittance_days integer NOT NULL,
    country text NOT NULL,
    attempts integer NOT NULL,
    storage_days integer NOT NULL,
    remittance_columns jsonb,
    metadata jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT couriers_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT couriers_state CHECK (state IN ('active', 'archived')),
    CONSTRAINT couriers_max_collect CHECK (max_collect_minor > 0)
);
CREATE INDEX couriers_active ON couriers (merchant_id, id) WHERE state = 'active';

CREATE TABLE settings (
    merchant_id text NOT NULL,
    offered text NOT NULL,
    currency text NOT NULL,
    sells_to_consumers boolean NOT NULL,
    fee jsonb NOT NULL,
    deposit jsonb NOT NULL,
    carts jsonb NOT NULL,
    fee_acknowledgement jsonb,
    CONSTRAINT settings_pkey PRIMARY KEY (merchant_id),
    CONSTRAINT settings_offered CHECK (offered IN ('always', 'after_failed_payment', 'never'))
);

-- Who has read the warning about a fee, before which fee. Rows are added and never changed.
CREATE TABLE fee_acknowledgements (
    merchant_id text NOT NULL,
    id text NOT NULL,
    acknowledged_by text NOT NULL,
    version text NOT NULL,
    fee jsonb NOT NULL,
    actor text NOT NULL,
    trace_id text NOT NULL,
    acknowledged_at timestamptz NOT NULL,
    CONSTRAINT fee_acknowledgements_pkey PRIMARY KEY (merchant_id, id)
);
CREATE FUNCTION fee_acknowledgements_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'fee_acknowledgements is append only' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER fee_acknowledgements_stay BEFORE UPDATE OR DELETE ON fee_acknowledgements
    FOR EACH ROW EXECUTE FUNCTION fee_acknowledgements_stay();
