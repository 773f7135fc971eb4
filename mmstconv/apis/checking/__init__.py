"""What is said of many checked files together: duplicates, leaks, tables, figures."""
