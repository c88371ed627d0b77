"""The tree of errors that a user can cause or mend; the command line prints them and exits with status 2.

KinprintError
├── SuiteError        a suite that is missing, empty, malformed or ambiguous
├── RecordingError    a recording that is missing, corrupt, truncated or of another kind
├── CandidateError    a model or endpoint that can't be reached, read or understood
├── LibraryError      a reference library that can't answer the question put to it
└── BundleError       an evidence bundle, a signed plan or a key that can't be read as one
    └── EvidenceError one that can be read and does not stand: changed, of another key, or its verdict does not follow
"""


class KinprintError(Exception):
    """One sentence for the user: what is wrong, where, and what to do about it."""


class SuiteError(KinprintError):
    """A suite that is missing, empty, malformed or ambiguous."""


class RecordingError(KinprintError):
    """A recording that is missing, corrupt, truncated or of another kind."""


class CandidateError(KinprintError):
    """A model or endpoint that can't be reached, read or understood."""


class LibraryError(KinprintError):
    """A reference library that can't answer the question put to it."""


class BundleError(KinprintError):
    """An evidence bundle, a signed plan or a key that can't be read as one."""


class EvidenceError(BundleError):
    """One that can be read and does not stand: changed, signed by another key, or its verdict does not follow."""
