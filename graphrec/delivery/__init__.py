"""Where lists go: files for the CRM."""
