-- `giving_up`: its plan is taken back, and payments is asked to cancel it.
ALTER TABLE collections
    ADD COLUMN giving_up boolean NOT NULL DEFAULT false;
