"""The parts of `benches/compare/run` and `benches/profile`."""
