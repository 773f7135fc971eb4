"""What a file may be and do: formats, limits, errors. Imports no other folder."""
