-- The change time of a file (st_ctime): other bytes of the same size under the same modification
-- time have another one. 0 is not known: the footer's digest tells then.
ALTER TABLE parquet_files ADD COLUMN changed_unix_nano BIGINT DEFAULT 0;
ALTER TABLE parquet_files ALTER COLUMN changed_unix_nano SET NOT NULL;

-- Whether spans of the refused file were in the index: answers lack what it held until it is well
-- again or gone. The table is made anew: DuckDB alters none that has a key and rows that an earlier
-- step has updated.
CREATE TABLE refused_before AS SELECT *, false AS was_indexed FROM quarantined_files;
DROP TABLE quarantined_files;
CREATE TABLE quarantined_files (
    file_path TEXT PRIMARY KEY,
    relative_path TEXT NOT NULL,
    error_type VARCHAR NOT NULL,
    error_message VARCHAR NOT NULL,
    hint VARCHAR NOT NULL,
    transient BOOLEAN NOT NULL,          -- true: it is still being retried
    tries INTEGER NOT NULL,
    first_seen TIMESTAMPTZ NOT NULL,
    last_seen TIMESTAMPTZ NOT NULL,
    size_bytes BIGINT NOT NULL,
    modified_unix_nano BIGINT NOT NULL,
    was_indexed BOOLEAN NOT NULL DEFAULT false
);
INSERT INTO quarantined_files SELECT * FROM refused_before;
DROP TABLE refused_before;
