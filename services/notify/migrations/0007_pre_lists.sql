-- A page of messages of a rare state, or of a time, is found without reading the others.
CREATE INDEX messages_by_state ON messages (merchant_id, state, id);
CREATE INDEX messages_by_time ON messages (merchant_id, created_at);
