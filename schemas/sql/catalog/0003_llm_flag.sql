-- The last bit of trace_files.attribute_flags says: some row of the trace in this file is an LLM
-- call. Attributes are read again from every file, in the background, because what was kept of
-- them does not tell whose span a value is of where another file has the span.
DELETE FROM indexed_attributes;
DELETE FROM file_attributes;
DELETE FROM promoted_attributes;
UPDATE trace_files SET attribute_flags = 0 WHERE attribute_flags <> 0;
