"""What every dialect of clients needs: questions on a pool, answers' headers, refusals."""
