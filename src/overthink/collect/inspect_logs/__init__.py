"""inspect_logs."""
