-- payments_listed has its place.
DROP INDEX payments_by_state;
