"""Side by side timings of the pipeline and a Dockerfile over the same work."""
