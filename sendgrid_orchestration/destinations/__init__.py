"""Sends each event on, after it is loaded: to Segment, to Amplitude, to any endpoint that checks signatures.

Promises: every chosen event is sent at least once, and exactly once within the time for which the receiving side recognises
ids; each batch is in the ledger before it leaves, so a crash at any point leaves a known or an unknown outcome, never a
lost one; an event that is refused is listed alone, with the reason, and blocks nobody; a destination that is down delays
only itself; memory does not grow with the backlog.

Beside that it forwards landed posts as they came, to a consumer of SendGrid's own webhook (`forwarder`): in order, at least once.

Never: change an event or a post, read a landed file for anything but forwarding, send before a destination is enabled, repeat an unclear delivery beyond the time
for which ids are recognised unless a person asks for it, or know Dagster.

A destination is a file here with one class: what it takes from an event (`columns`), how it writes a message (`encode`), how
it puts messages into a request (`request`) and how it reads the answer (`read`). Everything else is shared.
"""
