-- What a person made of a line of a remittance: it is no exception any more. `cleared_minor`: what is not waited for any
-- more, of a line that was booked.
ALTER TABLE remittance_lines
    ADD COLUMN result_before text,
    ADD COLUMN closed_as text,
    ADD COLUMN cleared_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN resolution text,
    ADD COLUMN resolved_by text,
    ADD COLUMN resolved_at timestamptz,
    ADD CONSTRAINT remittance_lines_closed CHECK (
        closed_as IN ('not_ours', 'given_back', 'written_off', 'settled')
    ),
    ADD CONSTRAINT remittance_lines_resolved CHECK (
        (resolved_at IS NULL) = (resolved_by IS NULL) AND (resolved_at IS NULL) = (result_before IS NULL)
        AND (resolved_at IS NOT NULL OR closed_as IS NULL)
        AND (resolved_at IS NULL OR NOT is_exception)
    ),
    ADD CONSTRAINT remittance_lines_cleared CHECK (cleared_minor = 0 OR (booked AND closed_as IS NOT NULL));
CREATE INDEX remittance_lines_exceptions ON remittance_lines (merchant_id, remittance_id, id) WHERE is_exception;
