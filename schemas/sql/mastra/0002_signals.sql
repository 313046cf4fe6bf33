-- Logs, metrics, scores and feedback of Mastra applications, as they were received: nothing is lost
-- until there is more to answer from them.
CREATE TABLE mastra_signals (
    -- logs, metrics, scores or feedback.
    signal      VARCHAR   NOT NULL,
    received_at TIMESTAMP NOT NULL,
    -- What the record says of itself; NULL where it says nothing.
    trace_id    VARCHAR,
    record      JSON      NOT NULL
);
