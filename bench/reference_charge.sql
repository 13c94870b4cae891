-- The least that PostgreSQL must do for one charge: one select; the intent and its commit; the
-- outcome with its event and its commit. pgbench runs it in the same run as the real thing, as the
-- limit that the whole system is compared with.
\set account random(1, 200)
\set amount random(100, 50000)
SELECT id, psp FROM accounts WHERE id = :account;
BEGIN;
WITH payment AS (
    INSERT INTO payments (account_id, amount_minor, state)
    VALUES (:account, :amount, 'processing') RETURNING id
)
INSERT INTO attempts (payment_id, amount_minor, state)
SELECT id, :amount, 'started' FROM payment RETURNING id AS attempt_id, payment_id \gset
COMMIT;
BEGIN;
UPDATE attempts SET state = 'approved' WHERE id = :attempt_id AND state = 'started';
UPDATE payments SET state = 'captured' WHERE id = :payment_id AND state = 'processing';
INSERT INTO events (payment_id, subject) VALUES (:payment_id, 'captured');
COMMIT;
