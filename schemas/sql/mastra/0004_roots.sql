-- True of a created span without a parent, NULL of all others: lists of traces are of few rows among
-- many, and to find them by the parents' IDs takes several times as long.
ALTER TABLE mastra_spans ADD COLUMN is_root BOOLEAN;
