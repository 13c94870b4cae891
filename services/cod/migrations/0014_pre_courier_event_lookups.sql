-- Events are looked up by id or by parcel. No index may begin with merchant and courier: without statistics PostgreSQL
-- expects that such a pair has one row, prefers either index by chance, and reads all events of the courier.
ALTER TABLE courier_events
    DROP CONSTRAINT courier_events_once,
    ADD CONSTRAINT courier_events_once UNIQUE (merchant_id, event_id, courier_id);
DROP INDEX courier_events_of_parcel;
CREATE INDEX courier_events_of_parcel ON courier_events (merchant_id, tracking_number, courier_id, id);
