"""Files of other tools as plain tables: a reader in a file each."""
