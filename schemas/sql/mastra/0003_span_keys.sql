-- The upper half of span_key is a hash of the trace ID: a trace is a range of keys, which is found by
-- comparing numbers alone. Until now it was a hash of both IDs.
UPDATE mastra_spans
SET span_key = ((md5_number_lower(trace_id) >> 32)::BIGINT - 2147483648) * 4294967296
    + (md5_number_lower(trace_id || '/' || span_id) & 4294967295)::BIGINT;
