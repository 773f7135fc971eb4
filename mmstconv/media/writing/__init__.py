"""Writing media files, and re-encoding them to what trains quickly."""
