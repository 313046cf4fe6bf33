-- What searches have learnt of the values under an attribute key in a file, so that the next search
-- for the key opens only files that can match. No row: nobody has asked. Rebuildable by asking
-- again, and no answer depends on it; kept within INDEXER_SEARCH_SUMMARIES_BYTES, the oldest go.
CREATE TABLE file_key_summaries (
    file_id INTEGER NOT NULL,
    owner VARCHAR NOT NULL,              -- whose attribute: span, resource, scope or event
    key VARCHAR NOT NULL,
    is_present BOOLEAN NOT NULL,         -- whether any row may have the key
    least DOUBLE,                        -- of its numbers; NULL where there are none
    greatest DOUBLE,
    has_text BOOLEAN NOT NULL,           -- whether any value may be text
    value_filter BLOB,                   -- Bloom filter of its values; NULL where not all are known
    hash_version INTEGER NOT NULL,       -- of the filter's rules: rows of another say nothing
    size_bytes INTEGER NOT NULL,         -- about what the row takes
    learnt_unix_nano BIGINT NOT NULL
);
