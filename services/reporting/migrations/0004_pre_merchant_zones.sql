-- In which zone the days of each merchant are, as merchants tells it. It never changes, so that the day of an entry is
-- the same whenever its event is booked.
CREATE TABLE merchant_zones (
    merchant_id text NOT NULL,
    time_zone text NOT NULL,
    CONSTRAINT merchant_zones_pkey PRIMARY KEY (merchant_id)
);
SELECT only_append('merchant_zones');
