-- What customers of plans are reminded of, each once: a row goes when its time has come.

-- `number`: of the part; null where it is of no part. `held_until`: a worker has claimed it.
CREATE TABLE plan_reminders (
    merchant_id text NOT NULL,
    id text NOT NULL,
    plan_id text NOT NULL,
    number integer,
    kind text NOT NULL,
    due_at timestamptz NOT NULL,
    held_until timestamptz NOT NULL DEFAULT '-infinity',
    CONSTRAINT plan_reminders_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT plan_reminders_plan FOREIGN KEY (merchant_id, plan_id) REFERENCES plans,
    CONSTRAINT plan_reminders_kind CHECK (kind IN ('due', 'missed', 'may_withdraw'))
);
CREATE INDEX plan_reminders_due ON plan_reminders (due_at);
CREATE INDEX plan_reminders_plan_id ON plan_reminders (merchant_id, plan_id);
