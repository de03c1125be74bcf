"""Every error that the package raises on purpose.

Here: the exception tree and nothing else. A message says what was found, what was expected and what to do.

    SmAssetsError
    ├── SettingsError        a setting is missing, unknown or out of range
    ├── OptionError          an option of a command or function cannot be used
    │   └── UnknownAccounts      none of the accounts that were named is there
    ├── InputError           an input file cannot be used at all
    │   ├── UnknownVintage       no known export has these columns
    │   ├── UnsupportedContainer zip, tar and other archives
    │   └── UnstableFile         the file changed while it was read
    ├── KernelError          a kernel was called with arrays that do not fit together
    │   └── SketchInputError     keys, rows or registers are not what a sketch kernel takes
    ├── SketchMismatchError  sketches of unlike scheme, size, seed or key rule meet
    ├── EmbedderError        a text model is missing, changed or not usable on this machine
    │   └── VectorCacheError     stored vectors cannot be used or written
    ├── ContractError        a table breaks its contract; nothing was published
    ├── LandingError         the landing folder does not allow this run
    │   └── VanishedFiles        files that fed a partition are gone
    ├── Unreconciled         rows in and rows out do not add up; nothing was published
    ├── UncoveredDays        no file speaks of the days asked for; nothing was replaced
    ├── StorageError         the data root does not allow a write
    │   ├── NoSpaceLeft          its disk is full
    │   ├── NotWritable          its disk is read-only, or the rights do not allow it
    │   └── OutsideDataRoot      a name would lead out of it
    ├── MixedContents        a window holds content ids of more than one mode or version
    ├── MixedVectors         a window holds vectors of more than one embedder or rule
    ├── UnlikeSnapshots      tables of one as-of day were not made from each other
    ├── MissingRecord        a file does not tell how it was made
    ├── LabelError           labels of accounts do not allow what is asked for
    └── ModelFileError       a stored model is missing, changed or holds what no model of ours holds

Bad rows are not errors: they are counted rejects (see `sm_assets.sources`).
"""

from __future__ import annotations


class SmAssetsError(Exception):
    """Root of the tree: catch this to catch all that the package raises on purpose."""


class SettingsError(SmAssetsError):
    """A setting is missing, unknown or out of range."""


class OptionError(SmAssetsError):
    """An option of a command or function cannot be used."""


class UnknownAccounts(OptionError):
    """None of the accounts that were named is there."""


class InputError(SmAssetsError):
    """An input file cannot be used at all."""


class UnknownVintage(InputError):
    """No known export has these columns."""


class UnsupportedContainer(InputError):
    """The file is an archive (zip, tar); only single compressed files are read."""


class UnstableFile(InputError):
    """The file changed while it was read."""


class KernelError(SmAssetsError, ValueError):
    """A kernel was called with arrays that do not fit together."""


class SketchInputError(KernelError):
    """Keys, rows or registers are not what a sketch kernel takes; nothing was written."""


class SketchMismatchError(SmAssetsError):
    """Sketches of unlike scheme, size, seed or key rule meet."""


class EmbedderError(SmAssetsError):
    """A text model is missing, changed or not usable on this machine."""


class VectorCacheError(EmbedderError):
    """Stored vectors cannot be used or written."""


class ContractError(SmAssetsError):
    """A table breaks its contract; nothing was published."""


class LandingError(SmAssetsError):
    """The landing folder does not allow this run."""


class VanishedFiles(LandingError):
    """Files that fed a partition are gone from the landing folder."""


class Unreconciled(SmAssetsError):
    """Rows in and rows out do not add up; nothing was published."""


class UncoveredDays(SmAssetsError):
    """No landing file speaks of the days asked for; nothing was replaced."""


class StorageError(SmAssetsError):
    """The data root does not allow a write."""


class NoSpaceLeft(StorageError):
    """The disk is full."""


class NotWritable(StorageError):
    """The disk is read-only, or the rights do not allow it."""


class OutsideDataRoot(StorageError):
    """A name would lead out of the data root; nothing there was touched."""


class MixedContents(SmAssetsError):
    """A window holds content ids of more than one content mode or version."""


class MixedVectors(SmAssetsError):
    """A window holds vectors of more than one embedder or rule."""


class UnlikeSnapshots(SmAssetsError):
    """Tables of one as-of day were not made from each other."""


class MissingRecord(SmAssetsError):
    """A file does not tell how it was made."""


class ModelFileError(SmAssetsError):
    """A stored model is missing, changed or holds what no model of ours holds; nothing of it was loaded."""


class LabelError(SmAssetsError):
    """Labels of accounts do not allow what is asked for."""
