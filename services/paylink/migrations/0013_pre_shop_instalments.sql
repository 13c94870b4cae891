-- Whether purchases in the shop may be paid in instalments, as links that ask for it.
ALTER TABLE shops ADD COLUMN instalments boolean NOT NULL DEFAULT false;
