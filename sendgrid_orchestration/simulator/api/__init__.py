"""The simulated v3 API: one module for each family of endpoints, each with a list of its routes."""
