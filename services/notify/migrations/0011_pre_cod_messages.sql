-- Messages of orders that are paid at the door.
ALTER TABLE messages
    ADD COLUMN cod_order_id text,
    DROP CONSTRAINT messages_kind,
    ADD CONSTRAINT messages_kind CHECK (kind IN ('link', 'link_reminder', 'link_reissued', 'cart',
        'balance', 'receipt', 'refund', 'pending', 'bank_account_change', 'bank_account_changed',
        'plan_signed', 'instalment_due', 'instalment_missed', 'card_needed', 'may_withdraw',
        'plan_withdrawn', 'plan_completed', 'cod_code', 'cod_changed', 'cod_dispatched')) NOT VALID;
ALTER TABLE messages VALIDATE CONSTRAINT messages_kind;
