-- A withdrawal gives back costs, and nothing of the price.
ALTER TABLE plan_refunds
    DROP CONSTRAINT plan_refunds_amounts,
    ADD CONSTRAINT plan_refunds_amounts
        CHECK (amount_minor >= 0 AND give_back_minor >= 0 AND amount_minor + give_back_minor > 0);
