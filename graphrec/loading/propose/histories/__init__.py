"""Which rows of a feed hold now: versions, changes, snapshots of days, data vaults, deleted rows."""
