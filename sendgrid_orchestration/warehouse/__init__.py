"""Postgres: where it is, which tables it holds, how one connects to it.

Promises: every table that the loader and the sync write is created and upgraded here, by numbered SQL files, any number
of times and by any number of processes at once; without a URL in the settings a private Postgres runs under the data
directory. One dialect serves demo, tests and production.

Never: speak HTTP, know what SendGrid is beyond the columns of its tables, or decide when something runs.
"""
