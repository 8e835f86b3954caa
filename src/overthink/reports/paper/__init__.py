"""What goes into a paper: tables of findings as CSV, Markdown and LaTeX, and the paragraph on methods."""
