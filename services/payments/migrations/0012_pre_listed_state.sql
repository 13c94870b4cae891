-- A payment is written twice in most charges. With its state in no index the second version stays on the
-- page of the first and writes none of the others. Rare states, by which lists look, have a column of their
-- own: null while it is processing, which is found by its attempt, and once it is captured. A trigger
-- and no generated column, which would rewrite the table under a lock. The lock of this file lasts a moment:
-- what is there already follows in the next one.

ALTER TABLE payments ADD COLUMN listed_state text, SET (fillfactor = 60);

CREATE FUNCTION payments_listed_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.listed_state := CASE WHEN NEW.state NOT IN ('processing', 'captured') THEN NEW.state END;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_begin_listed BEFORE INSERT ON payments
    FOR EACH ROW WHEN (NEW.state NOT IN ('processing', 'captured'))
    EXECUTE FUNCTION payments_listed_state();
CREATE TRIGGER payments_stay_listed BEFORE UPDATE OF state ON payments
    FOR EACH ROW WHEN (OLD.listed_state IS DISTINCT FROM NEW.state
        AND (OLD.listed_state IS NOT NULL OR NEW.state NOT IN ('processing', 'captured')))
    EXECUTE FUNCTION payments_listed_state();
