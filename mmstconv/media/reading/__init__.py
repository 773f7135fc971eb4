"""The interface of everything that gives frames and sound, and readers of no codec."""
