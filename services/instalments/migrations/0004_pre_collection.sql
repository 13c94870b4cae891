-- Parts are charged on their due dates, and paid before them.

-- `rebate_minor`: what came off since it was paid early. `advice`: what its last decline leaves open.
-- `held_until`: a worker has claimed it.
ALTER TABLE instalments
    ADD COLUMN rebate_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN advice text,
    ADD COLUMN held_until timestamptz NOT NULL DEFAULT '-infinity',
    ADD CONSTRAINT instalments_rebate CHECK (rebate_minor >= 0);

-- `rebate_minor`: what comes off the instalment when this pays it.
ALTER TABLE collections
    ADD COLUMN rebate_minor bigint NOT NULL DEFAULT 0;
