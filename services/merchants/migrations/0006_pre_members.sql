-- People who use the console. A person may be a member of several merchants, so persons and their
-- sessions belong to none: e-mail address and name are here only.
CREATE TABLE persons (
    id text NOT NULL,
    email text NOT NULL,  -- in lower case
    name text,
    locale text,
    password_hash text,  -- Argon2id, only where passwords are switched on
    created_at timestamptz NOT NULL,
    CONSTRAINT persons_pkey PRIMARY KEY (id),
    CONSTRAINT persons_email UNIQUE (email),
    CONSTRAINT persons_email_is_lower_case CHECK (email = lower(email))
);
CREATE INDEX persons_created_at ON persons (created_at);

-- Who a person is at an OpenID provider.
CREATE TABLE person_identities (
    issuer text NOT NULL,
    subject text NOT NULL,
    person_id text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT person_identities_pkey PRIMARY KEY (issuer, subject),
    CONSTRAINT person_identities_person UNIQUE (person_id, issuer),
    CONSTRAINT person_identities_person_fkey FOREIGN KEY (person_id) REFERENCES persons (id)
        ON DELETE CASCADE
);

CREATE TABLE members (
    merchant_id text NOT NULL,
    id text NOT NULL,
    person_id text NOT NULL,
    state text NOT NULL,
    role text NOT NULL,
    locale text,  -- of the invitation
    invited_by text NOT NULL,
    invited_at timestamptz NOT NULL,
    invitation_expires_at timestamptz NOT NULL,
    times_invited integer NOT NULL,
    joined_at timestamptz,
    ended_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT members_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT members_merchant_fkey FOREIGN KEY (merchant_id) REFERENCES merchants (id),
    CONSTRAINT members_person_fkey FOREIGN KEY (person_id) REFERENCES persons (id),
    CONSTRAINT members_state CHECK (state IN ('invited', 'active', 'removed', 'revoked')),
    CONSTRAINT members_role CHECK (role IN ('viewer', 'finance', 'operator', 'owner')),
    CONSTRAINT members_joined CHECK ((state IN ('active', 'removed')) = (joined_at IS NOT NULL)),
    CONSTRAINT members_ended CHECK ((state IN ('removed', 'revoked')) = (ended_at IS NOT NULL))
);
-- A person is invited or a member once; former ones may be invited again.
CREATE UNIQUE INDEX members_person ON members (merchant_id, person_id)
    WHERE state IN ('invited', 'active');
CREATE INDEX members_by_person ON members (person_id);
CREATE INDEX members_by_end ON members (ended_at) WHERE ended_at IS NOT NULL;

-- Links of invitations, by the hash of their token.
CREATE TABLE invitation_links (
    token_hash bytea NOT NULL,
    merchant_id text NOT NULL,
    member_id text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT invitation_links_pkey PRIMARY KEY (token_hash),
    CONSTRAINT invitation_links_member_fkey FOREIGN KEY (merchant_id, member_id)
        REFERENCES members (merchant_id, id) ON DELETE CASCADE
);
CREATE INDEX invitation_links_by_member ON invitation_links (merchant_id, member_id);
CREATE INDEX invitation_links_created_at ON invitation_links (created_at);

CREATE TABLE sessions (
    person_id text NOT NULL,
    id text NOT NULL,
    merchant_id text,  -- for which it works now
    device text NOT NULL,
    address text NOT NULL,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,  -- unless it is used
    ends_at timestamptz NOT NULL,  -- even if it is
    reauthenticated_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT sessions_pkey PRIMARY KEY (person_id, id),
    CONSTRAINT sessions_person_fkey FOREIGN KEY (person_id) REFERENCES persons (id)
        ON DELETE CASCADE
);
CREATE INDEX sessions_created_at ON sessions (created_at);

-- Tokens of sessions, by their hash. One that is replaced works a little longer.
CREATE TABLE session_tokens (
    token_hash bytea NOT NULL,
    person_id text NOT NULL,
    session_id text NOT NULL,
    created_at timestamptz NOT NULL,
    used_at timestamptz,  -- for the first time
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    CONSTRAINT session_tokens_pkey PRIMARY KEY (token_hash),
    CONSTRAINT session_tokens_session_fkey FOREIGN KEY (person_id, session_id)
        REFERENCES sessions (person_id, id) ON DELETE CASCADE
);
CREATE INDEX session_tokens_by_session ON session_tokens (person_id, session_id);
CREATE INDEX session_tokens_valid_until ON session_tokens (valid_until);

-- Failed sign-ins by what was tried: the hash of an e-mail address, or of the caller's address.
CREATE TABLE sign_in_attempts (
    subject_hash bytea NOT NULL,
    counted_from timestamptz NOT NULL,
    failures integer NOT NULL,
    CONSTRAINT sign_in_attempts_pkey PRIMARY KEY (subject_hash)
);
CREATE INDEX sign_in_attempts_counted_from ON sign_in_attempts (counted_from);
