"""Files of object stores and web servers, read whole or in ranges."""
