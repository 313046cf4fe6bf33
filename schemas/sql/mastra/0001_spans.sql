-- Spans of Mastra applications, one row a span that its application creates and updates. They are
-- in no file: this database is where they are kept.

-- A row is found by (trace_id, span_id). There is no key and no index on it: DuckDB keeps an index
-- in memory and gives back no space of deleted rows while a table has one. span_key is a 64-bit hash
-- of both IDs, so that the rows of a batch are found by one scan of numbers.
CREATE TABLE mastra_spans (
    span_key                 BIGINT  NOT NULL,
    -- Bit 0: created. Bit 1: created with an end. Bit 2 and up: the column was set by an update, which
    -- a create that comes later, or again, does not undo.
    layers                   BIGINT  NOT NULL,
    -- Order in which spans were first created: a cursor of those who ask for what is new.
    sequence                 BIGINT,
    trace_id                 VARCHAR NOT NULL,
    span_id                  VARCHAR NOT NULL,
    parent_span_id           VARCHAR,
    name                     VARCHAR,
    span_type                VARCHAR,
    is_event                 BOOLEAN,
    started_at               TIMESTAMP,
    ended_at                 TIMESTAMP,
    entity_type              VARCHAR,
    entity_id                VARCHAR,
    entity_name              VARCHAR,
    parent_entity_type       VARCHAR,
    parent_entity_id         VARCHAR,
    parent_entity_name       VARCHAR,
    root_entity_type         VARCHAR,
    root_entity_id           VARCHAR,
    root_entity_name         VARCHAR,
    entity_version_id        VARCHAR,
    parent_entity_version_id VARCHAR,
    root_entity_version_id   VARCHAR,
    user_id                  VARCHAR,
    organization_id          VARCHAR,
    resource_id              VARCHAR,
    run_id                   VARCHAR,
    session_id               VARCHAR,
    thread_id                VARCHAR,
    request_id               VARCHAR,
    environment              VARCHAR,
    source                   VARCHAR,
    service_name             VARCHAR,
    experiment_id            VARCHAR,
    scope                    JSON,
    metadata                 JSON,
    tags                     VARCHAR[],
    attributes               JSON,
    links                    JSON,
    input                    JSON,
    output                   JSON,
    error                    JSON,
    request_context          JSON,
    -- NULL while only an update has come: such a row is in no answer.
    created_at               TIMESTAMP,
    updated_at               TIMESTAMP
);

-- The spans under the names of Mastra's table. Status and child errors are derived: a root has a child
-- error if any other span of its trace failed, another span if one of its children did.
CREATE VIEW mastra_ai_spans AS
SELECT
    span_id AS id,
    trace_id,
    parent_span_id,
    name,
    span_type AS type,
    started_at,
    ended_at,
    CASE
        WHEN error IS NOT NULL THEN 'error'
        WHEN ended_at IS NULL THEN 'running'
        ELSE 'success'
    END AS status,
    input,
    output,
    metadata,
    tags,
    entity_type,
    entity_name,
    entity_id,
    user_id,
    organization_id,
    resource_id,
    run_id,
    session_id,
    thread_id,
    request_id,
    environment,
    service_name,
    source,
    error AS error_info,
    EXISTS (
        SELECT 1
        FROM mastra_spans AS other
        WHERE other.trace_id = span.trace_id
            AND other.span_id <> span.span_id
            AND other.error IS NOT NULL
            AND other.created_at IS NOT NULL
            AND (span.parent_span_id IS NULL OR other.parent_span_id = span.span_id)
    ) AS has_child_error,
    scope,
    attributes
FROM mastra_spans AS span
WHERE created_at IS NOT NULL;
