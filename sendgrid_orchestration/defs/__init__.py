"""Dagster: what runs, when, and what is seen of it.

A folder for each capability (`events`, `objects`, `models`, `destinations`, `alerts`, `maintenance`), in each the same few names: `assets`,
`checks`, `jobs`, `schedules`, `sensors`. A body here says *what*: it calls one function of a room and reports counts. How
it is done, the room knows, and can be tested without Dagster.

Never: logic that a room could hold, and anything at import time that touches the network, the disk or the database.
"""
