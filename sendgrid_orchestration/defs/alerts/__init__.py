"""Alerts: what failed here is told to the people that the settings name, once and not at every attempt."""
