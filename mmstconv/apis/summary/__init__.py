"""From importance to a summary: shots, which of them, and the film that they make."""
