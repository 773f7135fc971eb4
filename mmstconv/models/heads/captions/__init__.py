"""What heads of captions are made of."""
