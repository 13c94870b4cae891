-- A page of links of a rare state, or of a time, is found without reading the others.
CREATE INDEX links_by_state ON links (merchant_id, state, id);
CREATE INDEX links_by_time ON links (merchant_id, created_at);
