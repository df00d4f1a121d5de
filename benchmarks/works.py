"""What ``cpu.py`` measures: nets, batches, who takes part, and the goals."""

from dataclasses import dataclass

MALLOC = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "100000000",
}
"""A malloc that keeps its memory: PyTorch's large outputs cost page faults otherwise."""

TRAIN_VARIANTS = ("eager", "cl", "cl mt", "compile cl mt")
INFER_VARIANTS = ("eager", "cl mt", "compile cl mt", "freeze cl mt")
ENGINES = ("onnxruntime", "openvino")

Goal = tuple[float, float]
"""What is aimed at, and what must be reached at least: ratios of times."""

TORCH_INFERENCE: Goal = (0.70, 0.93)
ENGINE_INFERENCE: Goal = (0.95, 1.10)
NUMPY: Goal = (0.25, 0.40)
CAFFE: Goal = (0.20, 0.30)
PEAK = 0.9

CAFFE_MS = {"LeNet": (64, (16.6, 17.4)), "ResNet-18": (10, (1298.0, 994.0))}
"""BVLC Caffe, forward and backward: batch, milliseconds with 1 and 2 threads.

OpenBLAS 0.3.21 on a machine with 2 cores of Sapphire Rapids.
"""


@dataclass(frozen=True)
class Work:
    """One row: what is run, and the goal for the time against the best of PyTorch."""

    name: str
    batch: int
    train: bool
    goal: Goal = TORCH_INFERENCE
    bfloat16: bool = False
    memory: bool = False

    @property
    def title(self) -> str:
        """As the table has it."""
        kind = "train" if self.train else "inference"
        more = (" bfloat16" if self.bfloat16 else "") + (" memory" if self.memory else "")
        return f"{self.name} {kind} b{self.batch}{more}"

    @property
    def numpy(self) -> bool:
        """Whether netcfg's NumPy engine takes part."""
        return not (self.bfloat16 or self.memory)

    @property
    def torch(self) -> tuple[str, ...]:
        """The variants of PyTorch that take part."""
        if self.name == "LSTM":
            return ("eager",)
        if self.memory:
            return TRAIN_VARIANTS[:3]
        return TRAIN_VARIANTS if self.train else INFER_VARIANTS

    @property
    def engines(self) -> tuple[str, ...]:
        """The inference engines that take part."""
        return () if self.train or self.memory else ENGINES


WORKS = (
    Work("LeNet", 64, True, (0.5, 0.75)),
    Work("CIFAR-10 quick", 100, True, (0.6, 0.8)),
    Work("CaffeNet", 32, True, (0.8, 0.95)),
    Work("ResNet-18", 8, True, (0.75, 0.88)),
    Work("ResNet-18", 8, True, (0.9, 1.2), bfloat16=True),
    Work("MobileNet", 8, True, (0.65, 0.85)),
    Work("LSTM", 32, True, (0.9, 1.05)),
    *(
        Work(name, batch, False)
        for name in ("SqueezeNet 1.1", "ResNet-18", "ResNet-50", "GoogLeNet", "MobileNet")
        for batch in (1, 8)
    ),
)

MEMORY = (
    Work("ResNet-50", 32, True, memory=True),
    Work("ResNet-50", 32, False, memory=True),
)
"""Of these the peak of resident memory counts, not the time."""
