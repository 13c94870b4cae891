-- Beside the triggers, the service's role may not change or delete what the books say: whoever has its password
-- adds to them at most. The owner migrates, and builds the ledger anew.
CREATE FUNCTION only_append(name regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    other record;
BEGIN
    FOR other IN
        SELECT DISTINCT role.rolname
        FROM pg_class, aclexplode(pg_class.relacl) AS acl JOIN pg_roles AS role ON role.oid = acl.grantee
        WHERE pg_class.oid = name AND acl.grantee <> pg_class.relowner
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %s FROM %I', name, other.rolname);
    END LOOP;
END $$;

SELECT only_append(oid) FROM pg_class
WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
    AND (relname ~ '^(entries|postings)(_|$)' OR relname IN ('periods', 'late_entries'));

-- As before, and a partition is as its parent is.
CREATE OR REPLACE FUNCTION make_partitions(months date[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    parent record;
    month date;
    name text;
    found boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('reporting partitions'));
    FOR parent IN VALUES ('entries', 'happened_on'), ('postings', 'booked_on') LOOP
        FOREACH month IN ARRAY months LOOP
            name := format('%s_%s', parent.column1, to_char(month, 'YYYYMM'));
            CONTINUE WHEN to_regclass(name) IS NOT NULL;
            EXECUTE format(
                'SELECT EXISTS (SELECT FROM %I WHERE %I >= %L AND %I < %L)',
                parent.column1 || '_rest', parent.column2, month, parent.column2, month + interval '1 month'
            ) INTO found;
            CONTINUE WHEN found;
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                name, parent.column1, month, (month + interval '1 month')::date
            );
            PERFORM only_append(name::regclass);
        END LOOP;
    END LOOP;
END $$;
