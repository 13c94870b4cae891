-- Where a courier's manifests and files of events have what.
ALTER TABLE couriers ADD COLUMN manifest_columns jsonb, ADD COLUMN event_columns jsonb;
