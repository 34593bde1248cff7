"""The tree of exceptions; every message is one sentence: what, where, how many, and what to do.

::

    ReplicatorError              anything this package refuses; the command line prints it and exits with 2
    ├── ReadError                a file, folder or archive that cannot be read as study data
    ├── WriteError               a target that cannot be written, or that the format cannot hold
    ├── StudyError               data that were read but cannot be worked with as a study
    ├── ConfigError              a setting, option or expression out of its bounds
    ├── FitError                 a study from which nothing can be learned
    ├── SampleError              a request to the sampler that cannot be met
    └── ArtifactError            a model file that is damaged, foreign, newer or unsafe

What cannot be learned of a good study is not an error: it is a note in the profile and in the model. Nor is an interrupt: it has
an exit code and a sentence of its own.
"""

from __future__ import annotations

import re

INTERRUPTED = 130
INTERRUPTION = "replicator: Interrupted; nothing was left half written."


class ReplicatorError(Exception):
    """Root of all errors that the package raises on purpose."""


class ReadError(ReplicatorError):
    """A file, folder or archive cannot be read as study data."""


class WriteError(ReplicatorError):
    """A target cannot be written, or the format cannot hold the data."""


class StudyError(ReplicatorError):
    """The data were read, but no study can be made of them."""


class ConfigError(ReplicatorError):
    """A setting, option or expression is out of its bounds."""


class FitError(ReplicatorError):
    """Nothing can be learned from the study."""


class SampleError(ReplicatorError):
    """The sampler cannot meet the request."""


class ArtifactError(ReplicatorError):
    """A model file is damaged, foreign, newer than this version, or unsafe."""


_FOREIGN_WORDS = (
    (r"Input should be greater than or equal to (\S+)", r"it must be \1 or more"),
    (r"Input should be less than or equal to (\S+)", r"it must be \1 or less"),
    (r"Input should be a valid integer\b.*", "it must be a whole number"),
    (r"Input should be a valid number\b.*", "it must be a number"),
    (r"Input should be (.+)", r"it must be \1"),
    (r"Value error, ", ""),
    (r"\.? Did you mean (.+?)\?$", r" (perhaps \1)"),
)


def in_plain_words(message: str) -> str:
    """Say what a library that checks settings says, in the words of this package.

    Examples
    --------
    >>> in_plain_words("Invalid value for '-n': Input should be greater than or equal to 1")
    "Invalid value for '-n': it must be 1 or more"
    >>> in_plain_words("No such command 'fitt'. Did you mean 'fit'?")
    "No such command 'fitt' (perhaps 'fit')"
    """
    for pattern, words in _FOREIGN_WORDS:
        message = re.sub(pattern, words, message)
    return message
