-- Lists by a state that is rare, and by time. Most payments end as captured: the newest of those are
-- found without an index.
CREATE INDEX payments_by_state ON payments (merchant_id, state, id) WHERE state <> 'captured';
CREATE INDEX payments_by_time ON payments (merchant_id, created_at);
