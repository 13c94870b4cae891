-- What finds sessions that are over for long.
CREATE INDEX sessions_by_end ON sessions (expires_at);
