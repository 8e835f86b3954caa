"""model_info."""
