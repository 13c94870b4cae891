-- Carts that are due by a test clock, without looking at all that wait. Nobody asks for links by cart.
CREATE INDEX carts_due_by_a_test_clock ON carts (merchant_id, due_at) WHERE due_at IS NOT NULL;
DROP INDEX links_cart;
