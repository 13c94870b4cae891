-- outbox_waiting has taken its place.
DROP INDEX outbox_unpublished;
