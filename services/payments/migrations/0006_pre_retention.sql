-- What finds old news of PSPs.
CREATE INDEX psp_events_by_receipt ON psp_events (received_at);
