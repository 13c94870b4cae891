-- Messages of instalment plans.
ALTER TABLE messages
    ADD COLUMN plan_id text,
    DROP CONSTRAINT messages_kind,
    ADD CONSTRAINT messages_kind CHECK (kind IN ('link', 'link_reminder', 'link_reissued', 'cart',
        'balance', 'receipt', 'refund', 'pending', 'bank_account_change', 'bank_account_changed',
        'plan_signed', 'instalment_due', 'instalment_missed', 'card_needed', 'may_withdraw',
        'plan_withdrawn', 'plan_completed')) NOT VALID;
ALTER TABLE messages VALIDATE CONSTRAINT messages_kind;
