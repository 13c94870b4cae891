-- Who sells, by law: what shoppers are told.
ALTER TABLE merchants
    ADD COLUMN seller_legal_name text,
    ADD COLUMN seller_vat_number text,
    ADD COLUMN seller_address text,
    ADD CONSTRAINT merchants_seller_has_a_name CHECK (
        seller_legal_name IS NOT NULL OR (seller_vat_number IS NULL AND seller_address IS NULL)
    );
