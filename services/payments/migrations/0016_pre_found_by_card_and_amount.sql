-- What a shopper reads out: the last digits of the card, the amount. Neither changes once it is written.
-- Payments from before have no digits. The indexes follow in the next file: this lock lasts a moment.
ALTER TABLE payments
    ADD COLUMN brand text NOT NULL DEFAULT '',
    ADD COLUMN last4 text NOT NULL DEFAULT '';
