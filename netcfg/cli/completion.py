"""``netcfg completion``: what a shell must run to complete the words of ``netcfg``."""

import argparse
from typing import Any

from netcfg.errors import NetError

SHELLS = ["bash", "zsh", "fish"]

HELP = """\
Print the code that lets a shell complete commands, options and layer types.

  bash:  netcfg completion bash >> ~/.bashrc
  zsh:   netcfg completion zsh >> ~/.zshrc
  fish:  netcfg completion fish > ~/.config/fish/completions/netcfg.fish
"""


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "completion",
        help="shell code that completes commands and options",
        description=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=SHELLS)


def run(args: argparse.Namespace) -> int:
    """Print the code for the shell.

    Raises:
        NetError: argcomplete is not installed.
    """
    try:
        from argcomplete.shell_integration import shellcode
    except ModuleNotFoundError:
        raise NetError("completion needs argcomplete: pip install 'netcfg[completion]'") from None
    print(shellcode(["netcfg"], shell=args.shell))
    return 0
