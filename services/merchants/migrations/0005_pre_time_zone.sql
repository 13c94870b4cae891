-- In which zone the days of a merchant are: it stays as it is. Those that were made before it was asked for are told of
-- without one, which is UTC.
ALTER TABLE merchants ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC';
