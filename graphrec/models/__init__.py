"""What makes terms: a graph of arrays in, terms out; no files, no logging, no choice of device."""
