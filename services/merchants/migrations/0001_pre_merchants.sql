-- Plans are data: a new one, or another quota, is a row and not a release.
CREATE TABLE plans (
    name text NOT NULL,
    quotas jsonb NOT NULL,
    CONSTRAINT plans_pkey PRIMARY KEY (name),
    CONSTRAINT plans_quotas_are_an_object CHECK (jsonb_typeof(quotas) = 'object')
);
INSERT INTO plans (name, quotas) VALUES
    ('basic', '{"requests_per_second": 20, "psp_accounts": 3, "active_api_keys": 20}'),
    ('pro', '{"requests_per_second": 200, "psp_accounts": 10, "active_api_keys": 100}'),
    ('enterprise', '{"requests_per_second": 2000, "psp_accounts": 100, "active_api_keys": 1000}');

CREATE TABLE merchants (
    id text NOT NULL,
    name text NOT NULL,
    country text NOT NULL,
    default_currency text NOT NULL,
    locale text NOT NULL,
    test boolean NOT NULL,
    plan text NOT NULL,
    logo_url text,
    primary_colour text,
    reply_to text,
    website_url text,
    clock_offset_seconds bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    CONSTRAINT merchants_pkey PRIMARY KEY (id),
    CONSTRAINT merchants_plan_fkey FOREIGN KEY (plan) REFERENCES plans (name),
    CONSTRAINT merchants_clock_never_runs_back CHECK (clock_offset_seconds >= 0),
    CONSTRAINT merchants_clock_only_in_tests CHECK (test OR clock_offset_seconds = 0)
);

CREATE TABLE api_keys (
    id text NOT NULL,
    merchant_id text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL,
    secret_hash bytea NOT NULL,
    last4 text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_merchant_fkey FOREIGN KEY (merchant_id) REFERENCES merchants (id),
    CONSTRAINT api_keys_secret_hash_key UNIQUE (secret_hash),
    CONSTRAINT api_keys_kind_is_known CHECK (kind IN ('secret', 'publishable')),
    CONSTRAINT api_keys_state_is_known CHECK (state IN ('active', 'expiring', 'revoked')),
    CONSTRAINT api_keys_expiring_has_an_end CHECK (state <> 'expiring' OR expires_at IS NOT NULL),
    CONSTRAINT api_keys_hash_is_sha256 CHECK (octet_length(secret_hash) = 32)
);
CREATE INDEX api_keys_by_merchant ON api_keys (merchant_id, id DESC);
CREATE INDEX api_keys_due ON api_keys (expires_at) WHERE state = 'expiring';
