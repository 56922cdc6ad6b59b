"""Events: from the landed files of a source into its events table, by day of receipt."""
