"""Commands of `python -m simulator`, one a file; each registers itself on the application it is given."""
