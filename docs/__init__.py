"""Reference pages, and what makes them."""
