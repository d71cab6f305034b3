"""Where feature blocks come from: one file or package a source."""
