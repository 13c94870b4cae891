-- Whom an event is about: what it says of a person goes when the customer is erased.
ALTER TABLE events ADD COLUMN customer_id text;
CREATE INDEX events_by_customer ON events (merchant_id, customer_id)
    WHERE customer_id IS NOT NULL;
