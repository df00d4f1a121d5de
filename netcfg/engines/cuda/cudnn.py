"""cuDNN's operations on a card, built once for each geometry and kept."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from netcfg.engines.cuda.description import Spec, describe
from netcfg.engines.cuda.tune import Choices, fastest

__all__ = ["Graphs"]


class Graphs:
    """Plans of cuDNN by what they compute.

    Args:
        device: its stream and scratch memory are used.

    Attributes:
        version: of cuDNN: 91900 for 9.19.0.
        autotune: whether all plans are tried and the fastest is taken, where none is known yet.
        deterministic: whether only plans are taken whose results have the same bits every time;
            to be set before the first pass.

    Raises:
        ImportError, RuntimeError: cuDNN or its frontend cannot be loaded.
    """

    def __init__(self, device: Any) -> None:
        import cudnn

        self._cudnn = cudnn
        self._device = device
        self._handle = cudnn.create_handle()
        cudnn.set_stream(handle=self._handle, stream=device.stream.ptr)
        self._plans: dict[Spec, _Plan | None] = {}
        self.autotune = self.deterministic = False
        properties = device.xp.cuda.runtime.getDeviceProperties(device.index)
        self.version = int(cudnn.backend_version())
        self._choices = Choices(properties["name"].decode(), self.version)

    def run(self, spec: Spec, addresses: Mapping[int, int]) -> bool:
        """Compute; return whether cuDNN can.

        Args:
            spec: what is computed.
            addresses: of all its tensors, by their numbers.
        """
        if spec not in self._plans:
            self._plans[spec] = self._make(spec, addresses)
        plan = self._plans[spec]
        if plan is None:
            return False
        workspace = self._device.workspace.address(plan.workspace)
        plan.graph.execute(dict(addresses), workspace, handle=self._handle)
        return True

    def _make(self, spec: Spec, addresses: Mapping[int, int]) -> "_Plan | None":
        """Build a plan: the one chosen before, the fastest, or the first of the heuristics."""
        known: Any = spec  # a dataclass, of whichever operation
        spec = replace(known, deterministic=self.deterministic)
        try:
            graph = describe(self._cudnn, spec, handle=self._handle)
            index = self._choices.find(spec, graph)
            if index is None and self.autotune:
                index = fastest(graph, self._device, self._handle, addresses)
                self._choices.keep(spec, graph, index)
            if index is None:
                graph.build_plans()
            else:
                graph.build_plan_at_index(index)
        except self._cudnn.cudnnGraphNotSupportedError:
            return None
        except MemoryError:
            raise
        except Exception as error:  # the frontend raises what it likes; there is another way
            logging.getLogger(__name__).warning("cuDNN cannot compute %s: %s", spec, error)
            return None
        return _Plan(graph)


class _Plan:
    def __init__(self, graph: Any) -> None:
        self.graph = graph
        self.workspace = int(graph.get_workspace_size())
