"""Loaders of the tasks' public files, one module per kind of file."""
