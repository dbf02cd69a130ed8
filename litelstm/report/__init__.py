"""``litelstm report``: one HTML page about a core."""
