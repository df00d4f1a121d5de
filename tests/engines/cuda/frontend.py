"""A frontend of cuDNN that notes what graphs are made of."""

from dataclasses import dataclass, field
from typing import Any

from netcfg.engines.cuda.description import Spec, describe

RESULTS = {"batchnorm": 5, "sdpa": 2, "layernorm": 3, "rmsnorm": 2}
"""How many tensors operations return; gradients three, all others one."""


class Names:
    """Constants by their names."""

    def __getattr__(self, name: str) -> str:
        return name


@dataclass(eq=False)
class Tensor:
    """What is said of a tensor."""

    output: bool = False
    uid: int = 0
    data_type: str = ""
    dim: list[int] = field(default_factory=list)
    stride: list[int] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("set_"):
            raise AttributeError(name)

        def keep(value: Any) -> "Tensor":
            setattr(self, name.removeprefix("set_"), value)
            return self

        return keep


@dataclass
class Call:
    """An operation."""

    name: str
    given: dict[str, Any]
    results: list[Tensor]

    @property
    def uids(self) -> dict[str, int]:
        """Return which tensors with a number are read."""
        read = {k: v.uid for k, v in self.given.items() if isinstance(v, Tensor)}
        return {name: uid for name, uid in read.items() if uid}


class Graph:
    """Notes tensors, operations and steps."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.tensors: dict[int, dict[str, Any]] = {}
        self.calls: list[Call] = []
        self.steps: list[str] = []
        self.deselected: list[str] = []

    def tensor(self, **said: Any) -> Tensor:
        assert said["uid"] not in self.tensors
        self.tensors[said["uid"]] = said
        return Tensor(uid=said["uid"])

    def tensor_scalar(self, value: float, kind: str) -> float:
        assert kind == "RUNTIME_PARAM"
        return value

    def deselect_numeric_notes(self, notes: list[str]) -> None:
        self.deselected += notes

    def written(self) -> dict[int, Tensor]:
        """Return the tensors that are results, by their numbers."""
        results = [t for call in self.calls for t in call.results if t.output]
        return {t.uid: t for t in results}

    def __getattr__(self, name: str) -> Any:
        def operate(*args: Any, **given: Any) -> Any:
            if args or not given:
                self.steps.append(name)
                return None
            count = RESULTS.get(name, 3 if name.endswith("norm_backward") else 1)
            count = 3 if name == "sdpa_backward" else count
            results = [Tensor() for _ in range(count)]
            self.calls.append(Call(name, given, results))
            return results if count > 1 else results[0]

        return operate


class Frontend:
    """The module."""

    data_type = heur_mode = numerical_note = norm_forward_phase = Names()
    diagonal_alignment = scalar_type = Names()
    pygraph = Graph


def drawn(spec: Spec) -> Graph:
    """Return the graph of a description, for a card called ``card``."""
    made: Graph = describe(Frontend, spec, handle="card")
    return made
