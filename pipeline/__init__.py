"""A staged pipeline that turns a recipe into application base images through the Docker Engine API."""
