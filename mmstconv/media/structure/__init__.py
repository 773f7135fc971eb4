"""What the bytes of a container say, read without a decoder."""
