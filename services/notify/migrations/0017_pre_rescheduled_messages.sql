-- Messages to customers whose instalments are due later.
ALTER TABLE messages
    DROP CONSTRAINT messages_kind,
    ADD CONSTRAINT messages_kind CHECK (kind IN ('link', 'link_reminder', 'link_reissued', 'cart',
        'balance', 'receipt', 'refund', 'pending', 'bank_account_change', 'bank_account_changed',
        'plan_signed', 'instalment_due', 'instalment_missed', 'card_needed', 'may_withdraw',
        'plan_withdrawn', 'plan_completed', 'cod_code', 'cod_changed', 'cod_dispatched', 'cod_refused',
        'cod_converted', 'cod_refund_account', 'cod_refund_exported', 'cod_refund_paid',
        'cod_deposit', 'cod_expired', 'report_done', 'report_failed', 'invitation',
        'instalment_rescheduled')) NOT VALID;
ALTER TABLE messages VALIDATE CONSTRAINT messages_kind;
