"""Times the pipeline and other builders side by side over the same work; docs/bench.md says how to read that."""
