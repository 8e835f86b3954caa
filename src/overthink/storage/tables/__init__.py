"""Plain tables as pools: formats, columns and labels of other people's files."""
