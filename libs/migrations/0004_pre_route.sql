-- Whom an event concerns, as the last parts of its NATS subject: who reads it is sent no other's.
ALTER TABLE outbox ADD COLUMN route text NOT NULL DEFAULT '';
