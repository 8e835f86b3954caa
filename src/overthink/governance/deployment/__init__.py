"""What a statement means where a model is served: a policy of budgets, and the audit of what was used."""
