-- How far the imports are that are under way. A row is written beside the import's transaction, and goes with its end.
CREATE TABLE imports_under_way (
    merchant_id text NOT NULL,
    content_hash text NOT NULL,
    entries integer NOT NULL,
    staged integer NOT NULL,
    begun_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    CONSTRAINT imports_under_way_pkey PRIMARY KEY (merchant_id, content_hash)
) WITH (fillfactor = 50);
