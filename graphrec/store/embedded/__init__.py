"""The store in a folder: ArcadeDB in this process, the first load in bulk, later ones merged."""
