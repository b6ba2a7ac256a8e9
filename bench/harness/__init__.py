"""The benchmark runner behind bench/run."""
