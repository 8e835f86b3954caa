"""Models of latent steps, and changes of the state of one step."""
