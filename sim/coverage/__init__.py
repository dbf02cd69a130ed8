"""Coverage of generated cores: lines and toggles that the benches reach, or that nothing can."""
