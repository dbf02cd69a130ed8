"""``litelstm explore``: search the cores of a task or a network."""
