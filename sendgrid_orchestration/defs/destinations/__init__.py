"""Destinations: events sent on after each load, and old days on demand."""
