"""The files of a mapping as tables of a database in memory."""
