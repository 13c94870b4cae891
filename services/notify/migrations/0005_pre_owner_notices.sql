-- Mails to owners of merchants: another bank account was asked for, or is in force.
ALTER TABLE messages
    DROP CONSTRAINT messages_kind,
    ADD CONSTRAINT messages_kind CHECK (kind IN ('link', 'link_reminder', 'link_reissued', 'cart',
        'balance', 'receipt', 'refund', 'pending', 'bank_account_change', 'bank_account_changed'));
