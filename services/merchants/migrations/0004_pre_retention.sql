-- What finds changes that ended long ago.
CREATE INDEX bank_account_changes_by_end ON bank_account_changes (ended_at)
    WHERE ended_at IS NOT NULL;
