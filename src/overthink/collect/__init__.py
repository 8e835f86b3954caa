"""The only code that calls models or imports inspect_ai: tasks, models and logs become rows of the pool."""
