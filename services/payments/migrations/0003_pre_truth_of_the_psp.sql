-- What others do at the PSP is booked beside what we asked for; what is approved after a no is undone.

ALTER TABLE attempts
    -- Made at the PSP by somebody else, e.g. in its console: told, never sent.
    ADD COLUMN elsewhere boolean NOT NULL DEFAULT false,
    -- The charge that it acts on, where that does not hold the payment's money.
    ADD COLUMN charge_reference text NOT NULL DEFAULT '',
    -- The authorisation that was approved after a no, which it gives back or releases.
    ADD COLUMN undoes text NOT NULL DEFAULT '';

-- Ours only: what others did is true, whatever we have under way.
DROP INDEX attempts_one_ending;
CREATE UNIQUE INDEX attempts_one_ending ON attempts (merchant_id, payment_id)
    WHERE kind IN ('capture', 'cancel') AND state <> 'declined' AND NOT elsewhere AND undoes = '';
-- However often it is told.
CREATE UNIQUE INDEX attempts_one_elsewhere
    ON attempts (merchant_id, psp_account_id, kind, psp_reference) WHERE elsewhere;
-- What was approved after a no is given back once and released once.
CREATE UNIQUE INDEX attempts_one_undoing ON attempts (merchant_id, undoes, kind)
    WHERE undoes <> '' AND state <> 'declined';

ALTER TABLE disputes ADD COLUMN told_at timestamptz NOT NULL DEFAULT 'epoch';
