"""Reading files with PyAV (FFmpeg)."""
