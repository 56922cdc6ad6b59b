"""The health of each source as asset checks, evaluated every minute, and the heartbeat that says that Dagster is alive."""
