-- Tokens were kept with what they had paid.
UPDATE attempts SET token = '', psp_customer = ''
WHERE settled_at IS NOT NULL AND (token <> '' OR psp_customer <> '');
UPDATE payments SET candidates = (
    SELECT jsonb_agg(candidate || '{"token": "", "psp_customer": ""}')
    FROM jsonb_array_elements(candidates) AS candidate
)
WHERE state <> 'processing' AND candidates <> '[]';
