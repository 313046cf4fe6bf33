-- Of the spans that were there before.
UPDATE mastra_spans SET is_root = true WHERE created_at IS NOT NULL AND parent_span_id IS NULL;
