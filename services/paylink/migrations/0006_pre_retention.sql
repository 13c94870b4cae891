-- What finds that which is old and names a person still.
CREATE INDEX links_with_recipient ON links (created_at)
    WHERE recipient_name IS NOT NULL OR recipient_email IS NOT NULL OR recipient_phone IS NOT NULL;
CREATE INDEX link_payments_with_payer ON link_payments (created_at) WHERE payer_email IS NOT NULL;
CREATE INDEX carts_with_recipient ON carts (created_at)
    WHERE recipient_name IS NOT NULL OR recipient_email IS NOT NULL OR recipient_phone IS NOT NULL;
CREATE INDEX bank_transfers_with_text ON bank_transfers (created_at)
    WHERE creditor_reference IS NOT NULL;
CREATE INDEX bank_transfer_moves_with_note ON bank_transfer_moves (made_at) WHERE note IS NOT NULL;
