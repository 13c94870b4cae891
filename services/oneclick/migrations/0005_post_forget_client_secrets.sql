-- Answers of earlier versions hold client secrets in clear. Their sessions live for an hour at most.
DELETE FROM idempotency_keys WHERE method = 'CreateOneClickSession';
