-- What was approved after a no may have to be undone more than once: in parts, when a refund that a
-- person made of it fails after ours succeeded; again, when the PSP approves once more after a release.
-- Still one at a time: what it comes to decides what is left.

DROP INDEX attempts_one_undoing;
CREATE UNIQUE INDEX attempts_one_undoing ON attempts (merchant_id, undoes, kind)
    WHERE undoes <> '' AND state NOT IN ('approved', 'declined');
