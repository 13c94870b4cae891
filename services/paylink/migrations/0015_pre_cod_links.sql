-- Links by which orders that were to be paid at the door are paid online. `order_part`: what of its order one pays.

ALTER TABLE links
    ADD COLUMN cod_order_id text,
    ADD COLUMN cod_link_number integer,
    ADD COLUMN order_part text,
    DROP CONSTRAINT links_origin,
    ADD CONSTRAINT links_origin CHECK (origin IN ('api', 'shop', 'cart', 'balance', 'instalment', 'cod')),
    ADD CONSTRAINT links_cod CHECK (
        (origin = 'cod') = (cod_order_id IS NOT NULL AND cod_link_number IS NOT NULL AND order_part IS NOT NULL)
    );
