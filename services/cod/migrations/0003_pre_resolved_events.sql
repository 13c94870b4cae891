-- What a person made of what a courier told: it is no exception any more.
ALTER TABLE courier_events
    ADD COLUMN resolution text,
    ADD COLUMN resolved_by text,
    ADD COLUMN resolved_at timestamptz,
    ADD COLUMN is_exception boolean NOT NULL
        GENERATED ALWAYS AS (exception IS NOT NULL AND resolved_at IS NULL) STORED;
DROP INDEX courier_events_exceptions;
CREATE INDEX courier_events_exceptions ON courier_events (merchant_id, id) WHERE is_exception;
