"""Forwards: landed posts sent on as they came, after each load."""
