"""Runs the benchmark: see tests/bench/README.md."""
