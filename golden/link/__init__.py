"""The protocol between a board and its host: frames, messages, and a model of the board."""
