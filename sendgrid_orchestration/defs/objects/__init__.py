"""Objects: what SendGrid's API knows, one asset each, fetched every three hours."""
