"""Parts of the heads that find events along time."""
