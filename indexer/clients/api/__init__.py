"""The API for programs of anybody, ``/api/v1``: everything that a span has, in one object."""
