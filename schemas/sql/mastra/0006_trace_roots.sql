-- Roots of traces, created spans without a parent, with what lists and queries of traces filter and
-- order by: they are few among many spans, whose columns need not be read to find a page of them.
-- The same transactions write it as mastra_spans, which has all that a root has.
CREATE TABLE mastra_roots (
    -- That of mastra_spans, by which a root is found there: a created span has one of its own.
    sequence                 BIGINT  NOT NULL,
    trace_id                 VARCHAR NOT NULL,
    span_id                  VARCHAR NOT NULL,
    span_type                VARCHAR,
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
    error                    JSON,
    created_at               TIMESTAMP,
    updated_at               TIMESTAMP
);
INSERT INTO mastra_roots
SELECT
    sequence, trace_id, span_id, span_type, started_at, ended_at, entity_type, entity_id,
    entity_name, parent_entity_type, parent_entity_id, parent_entity_name, root_entity_type,
    root_entity_id, root_entity_name, entity_version_id, parent_entity_version_id,
    root_entity_version_id, user_id, organization_id, resource_id, run_id, session_id, thread_id,
    request_id, environment, source, service_name, experiment_id, scope, metadata, tags, error,
    created_at, updated_at
FROM mastra_spans WHERE created_at IS NOT NULL AND parent_span_id IS NULL
ORDER BY sequence;
-- It said the same.
ALTER TABLE mastra_spans DROP COLUMN is_root;
