"""A reverse proxy that holds a deployment to the budget it was evaluated at: ledger, tries, dialects, server."""
