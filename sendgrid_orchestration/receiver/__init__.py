"""The thin receiver: authenticate a webhook post, append it durably to the landing, answer.

For: being up when everything else is down. It needs a disk and its settings, nothing more.

Promises: 2xx is answered only for a post that is on disk (`landing` says so after fsync). What is not SendGrid's gets 4xx
and leaves nothing behind; what cannot be kept now gets 503, and SendGrid sends it again for 24 hours. Bad input brings
neither a 5xx nor the process down. No log line, metric or answer shows a token, a password or a key.

Never: a database, Dagster, or a look into what an event says. Imports `settings`, `sendgrid.signature` and `landing`.

A post's way through: `app` (routes, answers) -> `gate` (may it come in?) -> `reading` and `room` (its body, if there is memory
for it) -> `intake` (signature, JSON, the landing's writer) -> back to `app`. `access` keeps the generated URL tokens and the
public keys, `oauth` issues tokens, `verification` asks the `verifier` process about signatures, `keeper` does the chores in the
background, `metrics` counts, `backstage` starts and drains all of that in a worker, `server` runs the workers on granian.
"""
