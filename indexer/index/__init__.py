"""Files become rows of the catalog: one pipeline for the worker, one-shot runs and rebuilds."""
