"""Layers from outside: modules that ``--import`` names and installed packages.

A package offers layers through the entry point group ``netcfg.layers``::

    [project.entry-points."netcfg.layers"]
    swirl = "swirl_layers"        # importing the module registers its layers
"""

import importlib
import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import netcfg.layers  # noqa: F401 - built-in types come first, so that a clash blames the plugin
from netcfg.errors import NetError, nearest
from netcfg.user_code import reason

GROUP = "netcfg.layers"
"""Entry point group of packages that register layers."""


def load_plugins(names: Iterable[str] = ()) -> None:
    """Import every installed plugin, then the modules and files in ``names``.

    Args:
        names: a dotted module, found in the working directory too, or the path of a ``.py`` file.

    Raises:
        NetError: one cannot be imported; the message says which, why and at which line.
    """
    for entry in importlib.metadata.entry_points(group=GROUP):
        what = f"plugin '{entry.name}' ({entry.value})"
        try:
            entry.load()
        except (Exception, SystemExit) as error:
            raise NetError(f"{what} cannot be imported: {reason(error)}") from error
    for name in names:
        import_plugin(name)


def import_plugin(name: str) -> ModuleType:
    """Import a module by its name or by the path of its file.

    Raises:
        NetError: it is not there, or importing it fails.
    """
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        if name.endswith(".py") or os.sep in name:
            return _import_file(Path(name).expanduser())
        return importlib.import_module(name)
    except NetError as error:
        raise error.at(f"--import {name}") from error
    except ModuleNotFoundError as error:
        if error.name != name.split(".", maxsplit=1)[0]:
            raise NetError(f"--import {name}: {reason(error)}") from error
        files = [path.stem for path in Path().glob("*.py")]
        raise NetError(
            f"--import {name}: no such module in the working directory or among those "
            f"installed{nearest(name, files)}"
        ) from None
    except (Exception, SystemExit) as error:
        raise NetError(f"--import {name}: {reason(error)}") from error


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise NetError("no such file")
    known = sys.modules.get(path.stem)
    if known is not None:
        if known.__file__ and Path(known.__file__).resolve() == path.resolve():
            return known
        raise NetError(f"a module named '{path.stem}' is loaded already; rename the file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise NetError("not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        raise
    return module
