"""Changes of the thinking of stored traces, and the answers behind the changed thinking."""
