"""Text tables of a report, a file each."""
