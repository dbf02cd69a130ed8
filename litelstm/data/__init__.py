"""Loaders of the tasks' public files; one module a kind of file."""
