"""One run: load and check the plan's models and tasks, estimate, collect, and survive faults and Ctrl-C."""
