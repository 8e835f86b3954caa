"""The evaluation statement: claims from findings, its schema, text and exports, and the check of it."""
