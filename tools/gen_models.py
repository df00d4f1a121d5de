"""Write the nets and solvers of the zoo: each program of models/programs into models/NAME/.

python tools/gen_models.py                 write all files
python tools/gen_models.py vgg16 resnet50  write those of some models
python tools/gen_models.py --check         exit 1 if one is stale, and write nothing
"""

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from models import programs  # noqa: E402 - needs the path above
from models.programs.common import Model  # noqa: E402
from netcfg.io.files import write_whole  # noqa: E402
from netcfg.schema import to_text  # noqa: E402


def all_models() -> Iterator[Model]:
    """Yield the models of every program."""
    for found in pkgutil.iter_modules(programs.__path__):
        module = importlib.import_module(f"{programs.__name__}.{found.name}")
        if hasattr(module, "models"):
            yield from module.models()


def texts(model: Model) -> Iterator[tuple[Path, str]]:
    """Yield path and text of each file of a model."""
    for name, message in model.files.items():
        source = model.program.replace(".", "/")
        head = f"# Written by {source}.py through tools/gen_models.py; do not edit.\n"
        yield ROOT / "models" / model.name / name, head + to_text(message)


def main(names: Collection[str], check: bool) -> int:
    """Write or compare the files of the models named, or of all; return the exit status."""
    models = {model.name: model for model in all_models()}
    unknown = sorted(set(names) - set(models))
    if unknown:
        print(f"no program writes {', '.join(unknown)}; known: {', '.join(models)}")
        return 2
    stale = 0
    for name in names or models:
        for path, text in texts(models[name]):
            if path.is_file() and path.read_text() == text:
                continue
            stale += 1
            print(path.relative_to(ROOT), "is stale" if check else "written")
            if not check:
                with write_whole(path) as file:
                    file.write(text.encode())
    return 1 if check and stale else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a model; all by default")
    parser.add_argument("--check", action="store_true", help="write nothing, tell what is stale")
    args = parser.parse_args()
    sys.exit(main(args.names, args.check))
