-- By how much a courier may differ from what it owes before a person has to look at it.
ALTER TABLE couriers ADD COLUMN remittance_tolerance_minor integer NOT NULL DEFAULT 0;
