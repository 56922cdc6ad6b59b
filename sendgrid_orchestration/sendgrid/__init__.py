"""Speaks SendGrid: its API, its webhook settings, its signatures and the vocabulary of its events.

Promises: one session policy for every call, no call outside the source's region, secrets in no log and no error, and
one parser that decides what an event is.

Never: SQL, files of the landing, or Dagster. It returns what SendGrid said; others decide what becomes of it.
"""
