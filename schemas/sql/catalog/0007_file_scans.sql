-- Which columns of a file DuckDB's own reader shows as the canonical reader does: every value of
-- them was looked at. No row: not looked at yet. Rebuildable from the file alone.
CREATE TABLE file_scans (
    file_id INTEGER NOT NULL,
    schema_digest VARCHAR NOT NULL,      -- files that share it are read in one scan; '' for none
    has_metadata BOOLEAN NOT NULL,       -- its IDs, names and numbers are those of the index
    stored VARCHAR[] NOT NULL,           -- payload columns that stand there as they are shown
    rewritten VARCHAR[] NOT NULL,        -- payload columns that SQL shows rightly
    empty VARCHAR[] NOT NULL,            -- events and links of which no span of the file has any
    event_names VARCHAR[]                -- of its events, each once; NULL where they are not known
);
