"""Dashboards: four Superset dashboards as YAML over the marts, and the Superset that shows them.

`assets/` holds what Superset imports, in its own export format: a person who knows Superset can read it, and `export`
writes back what was changed with the mouse. Superset itself lives in an environment of its own, because it is built on
SQLAlchemy 1.4 and the rest of the project on 2.0; `server/` holds the few files that run inside it.

Promises: a second start changes nothing that is already right; the login to the warehouse can only read marts; no
password is ever written into the assets.

Never: compute a number that a mart does not define, or write to the warehouse.
"""
