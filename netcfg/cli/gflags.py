"""Options as gflags, of Caffe's tools, takes them: ``-resize_width=256``, ``--gray=true``."""

import argparse
from collections.abc import Sequence

YES = frozenset({"true", "t", "yes", "y", "1"})
NO = frozenset({"false", "f", "no", "n", "0"})


def translate(parser: argparse.ArgumentParser, args: Sequence[str]) -> list[str]:
    """Return arguments with gflags' spellings of a parser's options turned into ours.

    One dash or two, ``_`` for ``-``; switches may be given as ``--gray=true``, ``--gray=false``
    and ``--nogray``. What the parser does not know so stays as it is.
    """
    flags = {
        name: action
        for action in parser._actions
        for name in action.option_strings
        if name.startswith("--")
    }
    result: list[str] = []
    for i, arg in enumerate(args):
        if arg == "--":
            return [*result, *args[i:]]
        result += _translated(arg, flags)
    return result


def _translated(arg: str, flags: dict[str, argparse.Action]) -> list[str]:
    if not arg.startswith("-") or len(arg) < 3:
        return [arg]
    word, equals, value = arg.lstrip("-").partition("=")
    name = "--" + word.replace("_", "-")
    action = flags.get(name)
    if action is None:
        refused = flags.get("--" + name[4:]) if name.startswith("--no") else None
        return [] if refused is not None and refused.nargs == 0 and not equals else [arg]
    if action.nargs == 0 and equals:
        if value.lower() in YES:
            return [name]
        return [] if value.lower() in NO else [arg]
    return [name + equals + value]
