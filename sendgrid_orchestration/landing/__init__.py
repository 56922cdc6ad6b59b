"""Landed files: where every webhook post lies, byte for byte, from the moment it was acknowledged.

For: writing posts durably (`writer`), moving them to object storage (`uploader`), listing, reading and archiving them
(`store`), in one framed format (`format`).

Promises: a post that `writer` reported as written is on disk, survives `kill -9` and power loss, and is found in exactly
one landed file. A landed file is never changed after it was sealed, and its name is never used again. Reading takes
constant memory, and damage is reported with file and offset.

Never: SQL, HTTP, or a look into what a post says. What an event is, is decided by the loader.

Layout under the landing (and under the spool, where the landing is an object store)::

    <source>/open/<name>.posts                  being written; its writer holds a lock on it
    <source>/sealed/<name>.posts                waiting for the loader
    <source>/archive/<day>/<name>.posts.zst     loaded; `day` is the UTC day of receipt
    <source>/.seal-request                      when a loader last had open files sealed (`seal_requests`)
    .heartbeats/<process>-<host>.json           when a receiver or Dagster was last alive (`heartbeats`)
"""
