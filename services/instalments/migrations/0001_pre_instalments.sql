-- Merchants' settings. The merchant comes first in every key, so that tables can be distributed by it.

CREATE TABLE settings (
    merchant_id text NOT NULL,
    jurisdiction text NOT NULL,
    seller_size text NOT NULL,
    lender_registration text,
    exposure_limit_minor bigint NOT NULL,
    exposure_limit_currency text NOT NULL,
    time_zone text NOT NULL,
    CONSTRAINT settings_pkey PRIMARY KEY (merchant_id),
    CONSTRAINT settings_seller_size CHECK (seller_size IN ('small', 'large')),
    CONSTRAINT settings_exposure_limit CHECK (exposure_limit_minor > 0)
);
