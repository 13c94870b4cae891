-- Pictures of products, one each. `id` is made of the picture: the same one has the same id everywhere.

ALTER TABLE products ADD COLUMN picture_id text;

CREATE TABLE product_pictures (
    merchant_id text NOT NULL,
    product_id text NOT NULL,
    id text NOT NULL,
    media_type text NOT NULL,
    picture bytea NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT product_pictures_pkey PRIMARY KEY (merchant_id, product_id),
    CONSTRAINT product_pictures_product_fkey FOREIGN KEY (merchant_id, product_id)
        REFERENCES products (merchant_id, id),
    CONSTRAINT product_pictures_media_type_is_known CHECK (media_type IN ('image/png', 'image/jpeg')),
    CONSTRAINT product_pictures_are_small CHECK (octet_length(picture) BETWEEN 1 AND 204800)
);
-- A page knows the name of the picture only.
CREATE INDEX product_pictures_id ON product_pictures (id);
