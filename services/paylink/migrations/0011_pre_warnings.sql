-- What the law wants said beside the price of a missed part, where its plan is credit.
ALTER TABLE links
    ADD COLUMN warning text,
    ADD COLUMN representative_example text;
