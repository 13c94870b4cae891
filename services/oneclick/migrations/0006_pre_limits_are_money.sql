-- Limits are money. So far they were compared with minor units of any currency; as the defaults they
-- were meant in euro.
ALTER TABLE policies
    ADD COLUMN max_charge_currency text NOT NULL DEFAULT 'EUR',
    ADD COLUMN max_daily_currency text NOT NULL DEFAULT 'EUR';
