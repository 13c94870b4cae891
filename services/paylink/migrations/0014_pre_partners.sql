-- Who gives the credit of the plan that a try makes: a PSP's method; null where the merchant does.
ALTER TABLE link_payments ADD COLUMN partner text;
