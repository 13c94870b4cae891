-- What people changed through the console: first that somebody is about to, then how it ended. Each
-- record has the hash of the one before, so that a changed one breaks the chain.
CREATE TABLE audit_records (
    merchant_id text NOT NULL,
    number bigint NOT NULL,
    id text NOT NULL,
    kind text NOT NULL,
    intent_id text,  -- of an outcome
    action text NOT NULL,
    subject_id text NOT NULL,
    actor text NOT NULL,
    session_id text NOT NULL,
    address text NOT NULL,
    before text NOT NULL,
    after text NOT NULL,
    outcome text,
    reason text,
    trace_id text NOT NULL,
    previous_hash text NOT NULL,
    hash text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT audit_records_pkey PRIMARY KEY (merchant_id, number),
    CONSTRAINT audit_records_id UNIQUE (merchant_id, id),
    CONSTRAINT audit_records_outcome_once UNIQUE (merchant_id, intent_id),
    CONSTRAINT audit_records_kind CHECK (kind IN ('intent', 'outcome')),
    CONSTRAINT audit_records_intent CHECK ((kind = 'outcome') = (intent_id IS NOT NULL)),
    CONSTRAINT audit_records_outcome CHECK (
        CASE kind WHEN 'outcome' THEN outcome IN ('done', 'refused') ELSE outcome IS NULL END
    )
);
CREATE INDEX audit_records_by_actor ON audit_records (merchant_id, actor, id);
CREATE INDEX audit_records_by_subject ON audit_records (merchant_id, subject_id, id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are only added', TG_TABLE_NAME;
END $$;
CREATE TRIGGER audit_records_append_only BEFORE UPDATE OR DELETE ON audit_records
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Beside the trigger, the service's role may not change or delete what the log says.
DO $$
DECLARE
    other record;
BEGIN
    FOR other IN
        SELECT DISTINCT role.rolname
        FROM pg_class, aclexplode(pg_class.relacl) AS acl JOIN pg_roles AS role ON role.oid = acl.grantee
        WHERE pg_class.oid = 'audit_records'::regclass AND acl.grantee <> pg_class.relowner
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON audit_records FROM %I', other.rolname);
    END LOOP;
END $$;

-- As people read it: what was intended, with how it ended.
CREATE VIEW audit_entries AS
SELECT intent.merchant_id, intent.id, intent.actor, intent.action,
    CASE WHEN intent.subject_id = '' THEN coalesce(ending.subject_id, '') ELSE intent.subject_id END
        AS subject_id,
    intent.before, coalesce(nullif(ending.after, ''), intent.after) AS after,
    coalesce(ending.outcome, 'unknown') AS outcome, ending.reason,
    intent.session_id, intent.address, intent.trace_id, intent.created_at,
    ending.created_at AS ended_at
FROM audit_records AS intent
LEFT JOIN audit_records AS ending
    ON (ending.merchant_id, ending.intent_id) = (intent.merchant_id, intent.id)
WHERE intent.kind = 'intent';
