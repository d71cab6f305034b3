"""What lies in cells of tables: codes, several values, bits and letters."""
