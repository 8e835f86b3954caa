"""Components: declared classes with typed settings, built in, from an entry point, or from a file."""
