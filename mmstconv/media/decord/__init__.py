"""Reading video with decord, in a process of its own."""
