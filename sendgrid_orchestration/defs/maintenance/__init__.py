"""Housekeeping: what would otherwise grow without end, and what must be there before it is needed."""
