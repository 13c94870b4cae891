-- Withdrawal from plans: the notice, and its receipt.

ALTER TABLE plans
    ADD COLUMN withdrawal jsonb;
ALTER TABLE documents
    DROP CONSTRAINT documents_kind,
    ADD CONSTRAINT documents_kind CHECK (kind IN ('information', 'agreement', 'receipt'));
