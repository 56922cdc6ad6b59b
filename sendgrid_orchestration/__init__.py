"""Everything a company knows about its email in SendGrid, in its own Postgres.

The rooms of this package, and which way data flows between them, are drawn in docs/architecture.md.
"""
