"""The dbt project, once for each source: collections, facts and marts, and their tests as asset checks."""
