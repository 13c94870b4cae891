ALTER TABLE payments ADD COLUMN cluster_test text;
