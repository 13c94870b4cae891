-- Plans whose credit a partner gives, by a PSP's method: nobody signs them here, and no card is charged.

ALTER TABLE plans
    DROP CONSTRAINT plans_accepted,
    ADD CONSTRAINT plans_accepted CHECK (
        state IN ('offered', 'in_review', 'refused', 'cancelled', 'expired') OR acceptance IS NOT NULL
        OR terms->>'financed_by' = 'partner'
    );

ALTER TABLE collections
    ALTER COLUMN instrument_id DROP NOT NULL;
