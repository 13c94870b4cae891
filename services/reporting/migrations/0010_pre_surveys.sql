-- Surveys after payment. No text of shoppers, and nothing that names them: only what was paid.
CREATE TABLE survey_settings (
    merchant_id text NOT NULL,
    enabled boolean NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT survey_settings_pkey PRIMARY KEY (merchant_id)
);

-- One for each payment, plan or transfer, whose id it has.
CREATE TABLE surveys (
    merchant_id text NOT NULL,
    id text NOT NULL,
    locale text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT surveys_pkey PRIMARY KEY (merchant_id, id)
);
CREATE INDEX surveys_by_expiry ON surveys (expires_at);

CREATE TABLE survey_addresses (
    merchant_id text NOT NULL,
    survey_id text NOT NULL,
    token_hash bytea NOT NULL,
    issued_at timestamptz NOT NULL,
    CONSTRAINT survey_addresses_pkey PRIMARY KEY (merchant_id, survey_id, token_hash),
    CONSTRAINT survey_addresses_of FOREIGN KEY (merchant_id, survey_id)
        REFERENCES surveys (merchant_id, id) ON DELETE CASCADE
);
CREATE INDEX survey_addresses_by_token ON survey_addresses (token_hash);

-- The last answer to each question counts, also of the receipt's own question, which paylink reports.
CREATE TABLE survey_answers (
    merchant_id text NOT NULL,
    paid_id text NOT NULL,
    question text NOT NULL,
    answer smallint NOT NULL,
    answered_at timestamptz NOT NULL,
    answered_on date NOT NULL,
    CONSTRAINT survey_answers_pkey PRIMARY KEY (merchant_id, paid_id, question),
    CONSTRAINT survey_answers_question CHECK (question IN ('satisfaction', 'recommendation', 'ease')),
    CONSTRAINT survey_answers_answer CHECK (answer BETWEEN 1 AND 5)
);
CREATE INDEX survey_answers_by_day ON survey_answers (merchant_id, answered_on)
    INCLUDE (question, answer);
