-- Text messages are counted where they cost money: when one is taken for sending.
CREATE TABLE sms_quotas (
    merchant_id text NOT NULL,
    month date NOT NULL,
    used integer NOT NULL,
    CONSTRAINT sms_quotas_pkey PRIMARY KEY (merchant_id, month),
    CONSTRAINT sms_quotas_count CHECK (used > 0)
);

ALTER TABLE messages
    -- The month in which the message was counted, once for all its tries.
    ADD COLUMN counted_in date,
    DROP CONSTRAINT messages_state,
    ADD CONSTRAINT messages_state CHECK (state IN ('queued', 'sending', 'sent', 'delivered', 'bounced',
        'failed', 'suppressed', 'unknown', 'obsolete', 'refused'));
