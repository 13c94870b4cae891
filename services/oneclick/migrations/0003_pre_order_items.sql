-- What an order holds, priced by the shop's server: [{id, name, quantity, unit_amount_minor, fixed}].
-- A session keeps what was offered, its charge what is left.
ALTER TABLE sessions ADD COLUMN items jsonb NOT NULL DEFAULT '[]';
ALTER TABLE charges ADD COLUMN items jsonb NOT NULL DEFAULT '[]';

-- {key, amount, items}: what payments was asked to lower to, until it answered.
ALTER TABLE charges ADD COLUMN lowering jsonb;
