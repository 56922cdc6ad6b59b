"""What can go wrong with a load, one class for each thing that a caller handles differently."""


class LoadInterruptedError(Exception):
    """Postgres went away or gave up in mid-load. Nothing of that transaction was kept; the next run loads the same files."""


class LoadFailedError(Exception):
    """File after file could not be loaded for reasons that nobody foresaw: the fault is not theirs. What was committed stays."""


class KeyVersionError(Exception):
    """The keys of a source's events are not those that this program makes; the message says which, and what to do."""
