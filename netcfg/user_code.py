"""Code of users: importing what a prototxt names, and saying where in it an error arose."""

import importlib
import os
import pkgutil
import sys
import sysconfig
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from netcfg.errors import NetError, nearest

NETCFG = str(Path(__file__).parent)
LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
"""Folders whose code is not the user's own."""


def import_module(name: str, near: str = "") -> ModuleType:
    """Import a module that a prototxt names.

    Args:
        name: dotted; found on Python's path, then from the working directory, then from the folder
            of the prototxt. Both stay on the path, for what the module imports later.
        near: the prototxt.

    Raises:
        NetError: it is not there, or importing it fails; the message says at which line.
    """
    folders = [os.getcwd(), *([str(Path(near).resolve().parent)] if near else [])]
    sys.path.extend(folder for folder in dict.fromkeys(folders) if folder not in sys.path)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name != missing and not name.startswith(f"{missing}."):
            raise NetError(f"module '{name}' cannot be imported: {reason(error)}") from error
        looked = " and ".join(f"'{folder}'" for folder in dict.fromkeys(folders))
        raise NetError(
            f"there is no module '{missing}' in {looked} or on Python's path, to which PYTHONPATH "
            f"adds folders{nearest(missing, _modules(missing, folders))}"
        ) from None
    except (Exception, SystemExit) as error:
        raise NetError(f"module '{name}' cannot be imported: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """Return the kind of an error, its message and the lines of the user's code that led to it."""
    message = str(error).splitlines()[0] if str(error) else ""
    kind = type(error).__name__
    place = places(error)
    return f"{kind}: {message}{f' ({place})' if place else ''}" if message else f"{kind} ({place})"


def places(error: BaseException) -> str:
    """Return ``file:line`` of the user's code where an error passed, the caller first."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(("<", NETCFG + os.sep))
    ]
    own = [f for f in frames if not any(_within(f.filename, folder) for folder in LIBRARIES)]
    return ", ".join(f"{frame.filename}:{frame.lineno}" for frame in own or frames[-1:])


def blame(error: Exception, what: str) -> NetError:
    """Return a NetError for what the user's code raised; handlers of that type catch it too.

    Args:
        error: as it was raised.
        what: that raised it.
    """
    if isinstance(error, NetError):
        place = places(error)
        return error.at(f"{what} ({place})" if place else what)
    message = f"{what} raised {reason(error)}"
    kind = type(error)
    body = {
        "__init__": lambda self, text: Exception.__init__(self, text),
        "__str__": lambda self: self.args[0],
    }
    try:
        both: type[NetError] = type(kind.__name__, (NetError, kind), body)
        return both(message)
    except TypeError:  # a type that has no room for another base, or needs more than a text
        return NetError(message)


def _modules(name: str, folders: Iterable[str]) -> list[str]:
    """Return the modules beside one that is missing."""
    parent = name.rpartition(".")[0]
    paths = getattr(sys.modules.get(parent), "__path__", ()) if parent else folders
    names = [module.name for module in pkgutil.iter_modules(list(paths))]
    return [f"{parent}.{name}" for name in names] if parent else names


def _within(file: str, folder: str) -> bool:
    return file.startswith(folder + os.sep)
