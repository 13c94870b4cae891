-- Where bank transfers go, the stored logo, and what plans allow of links and messages.

ALTER TABLE merchants
    ADD COLUMN logo_id text,
    ADD COLUMN bank_holder text,
    ADD COLUMN bank_iban text,
    ADD COLUMN bank_bic text,
    ADD CONSTRAINT merchants_bank_account_is_whole CHECK (
        (bank_holder IS NULL) = (bank_iban IS NULL) AND (bank_bic IS NULL OR bank_iban IS NOT NULL)
    );

-- One picture per merchant. `id` is made of the picture: the same one has the same id everywhere.
CREATE TABLE logos (
    merchant_id text NOT NULL,
    id text NOT NULL,
    media_type text NOT NULL,
    picture bytea NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT logos_pkey PRIMARY KEY (merchant_id),
    CONSTRAINT logos_merchant_fkey FOREIGN KEY (merchant_id) REFERENCES merchants (id),
    CONSTRAINT logos_media_type_is_known CHECK (media_type IN ('image/png', 'image/jpeg')),
    CONSTRAINT logos_are_small CHECK (octet_length(picture) BETWEEN 1 AND 32768)
);
-- A page knows the name of the logo only.
CREATE INDEX logos_id ON logos (id);

-- A plan without an entry has no limit.
UPDATE plans SET quotas = '{"links_per_month": 200, "sms_per_month": 100}' || quotas
    WHERE name = 'basic';
UPDATE plans SET quotas = '{"links_per_month": 5000, "sms_per_month": 2000}' || quotas
    WHERE name = 'pro';
