"""Energy of cores: a model, and cells side by side."""
