"""Brings landed files into the warehouse: typed, deduplicated, exactly once.

Promises: a landed file is loaded in full or not at all; its rows and its line in the ledger commit together, and
read = inserted + duplicate + quarantined for each file and each load; any number of crashes, repeats and overlapping
runs changes nothing; memory does not grow with the size of a file.

Never: decide what an event is (that is `sendgrid.events`), delete a landed file, or know Dagster.
"""
