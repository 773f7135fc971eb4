"""What a file is, and whether it can be used: read once, by the reader that trains."""
