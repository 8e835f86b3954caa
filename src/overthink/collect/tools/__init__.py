"""Tools that a model may call while it thinks, offline and without danger."""
