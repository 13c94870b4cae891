-- What of the money that counts as given back was taken by a lost dispute: no payment gave it back.
ALTER TABLE instalments
    ADD COLUMN charged_back_minor bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT instalments_charged_back CHECK (charged_back_minor >= 0);
