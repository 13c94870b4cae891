-- Money that was collected and not passed on in time. `remit_due_at`: from when on it is overdue; `held_until`: a
-- worker has claimed the order.
ALTER TABLE orders
    ADD COLUMN remit_due_at timestamptz,
    ADD COLUMN held_until timestamptz NOT NULL DEFAULT '-infinity';
CREATE INDEX orders_remit_due ON orders (remit_due_at) WHERE state = 'collected' AND remit_due_at IS NOT NULL;
