"""What can go wrong with Postgres itself, one class for each thing that a caller would handle differently."""


class EmbeddedPostgresError(Exception):
    """The private Postgres cannot be started or stopped; the message says why and what to do."""


class WarehouseUnreachableError(Exception):
    """Postgres does not answer, or refuses this user; the message names the address without the password."""


class MigrationError(Exception):
    """The tables cannot be brought to the version that this program needs; the message says what is in the way."""
