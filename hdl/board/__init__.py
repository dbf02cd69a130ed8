"""A board's side of the link to its host, and the top of a board."""
