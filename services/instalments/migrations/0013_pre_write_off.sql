-- Plans and parts that a merchant has written off: nobody charges them any more, and a payment that comes
-- later counts.

ALTER TABLE plans
    DROP CONSTRAINT plans_state,
    ADD CONSTRAINT plans_state CHECK (state IN (
        'offered', 'in_review', 'refused', 'accepted', 'active', 'completed', 'defaulted', 'written_off',
        'withdrawn', 'cancelled', 'expired'
    ));
ALTER TABLE instalments
    ADD COLUMN written_off_at timestamptz,
    DROP CONSTRAINT instalments_state,
    ADD CONSTRAINT instalments_state CHECK (
        state IN ('planned', 'collecting', 'paid', 'missed', 'written_off', 'cancelled')
    );
-- Of which part it was decided; null: of the plan.
ALTER TABLE reviews
    ADD COLUMN number integer;
