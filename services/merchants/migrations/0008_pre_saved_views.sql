-- Filters of a list of the console that a member keeps under a name.
CREATE TABLE saved_views (
    merchant_id text NOT NULL,
    id text NOT NULL,
    member_id text NOT NULL,
    path text NOT NULL,  -- of the list
    name text NOT NULL,
    query text NOT NULL,
    shared boolean NOT NULL,  -- with all members
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT saved_views_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT saved_views_name UNIQUE (merchant_id, member_id, path, name),
    CONSTRAINT saved_views_member_fkey FOREIGN KEY (merchant_id, member_id)
        REFERENCES members (merchant_id, id) ON DELETE CASCADE
);
CREATE INDEX saved_views_shared ON saved_views (merchant_id) WHERE shared;
