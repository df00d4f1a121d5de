"""Makes batches, netcfg's layers or a torch DataLoader, and says how many records a second.

The torch side needs torch, Pillow, lmdb and protobuf.
"""

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import numpy as np

HEAD_START = 10
"""Batches that are not timed at the start of a turn: some of them were made before it."""


def netcfg_batches(job: Any) -> Callable[[], Any]:
    """Return a function that takes the next batch of a data layer."""
    from netcfg.data import prefetch
    from netcfg.net import Net
    from netcfg.schema import parse_net
    from netcfg.types import Phase

    prefetch.set_workers(job["workers"])
    return Net(parse_net(job["layer"]).message, Phase.TRAIN).forward


def torch_batches(job: Any) -> Callable[[], Any]:
    """Return a function that takes the next batch of a DataLoader."""
    import torch
    from torch.utils.data import DataLoader

    torch.set_num_threads(1)
    workers = job["workers"]
    loader = DataLoader(
        Images(job) if job["list"] else Records(job),
        batch_size=job["batch"],
        sampler=Endless(job["records"]),
        num_workers=workers,
        collate_fn=Collate(job),
        persistent_workers=workers > 0,
    )
    return iter(loader).__next__


class Endless:
    """All indices in their order, over and over."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return 1 << 40

    def __iter__(self) -> Iterator[int]:
        while True:
            yield from range(self.size)


class Dataset:
    """Base of the datasets: crops and mirrors the (H, W, C) or (C, H, W) bytes of an image."""

    def __init__(self, job: Any) -> None:
        self.job = job
        self.crop, self.mirror = job["crop"], job["mirror"]

    def changed(self, image: Any, rows: int) -> Any:
        """Return the image cropped and mirrored by chance; ``rows`` is the axis of its height."""
        if self.crop:
            for axis in (rows, rows + 1):
                first = random.randint(0, image.shape[axis] - self.crop)
                image = image[(slice(None),) * axis + (slice(first, first + self.crop),)]
        if self.mirror and random.random() < 0.5:
            image = np.flip(image, rows + 1)
        return image


class Records(Dataset):
    """Records of an LMDB, which each worker opens for itself."""

    transaction: Any = None

    def __getitem__(self, index: int) -> tuple[Any, int]:
        import lmdb
        from PIL import Image

        from netcfg.netcfg_pb2 import Datum

        if self.transaction is None:
            self.transaction = lmdb.open(self.job["source"], readonly=True, lock=False).begin()
        datum = Datum.FromString(self.transaction.get(b"%08d" % index))
        if datum.encoded:
            image = np.asarray(Image.open(BytesIO(datum.data)).convert("RGB"))
            return self.changed(image, 0), datum.label
        shape = datum.channels, datum.height, datum.width
        return self.changed(np.frombuffer(datum.data, np.uint8).reshape(shape), 1), datum.label


class Images(Dataset):
    """Images that a list names."""

    def __init__(self, job: Any) -> None:
        super().__init__(job)
        with open(job["source"], encoding="utf-8") as file:
            self.lines = [line.split() for line in file]

    def __getitem__(self, index: int) -> tuple[Any, int]:
        from PIL import Image

        path, label = self.lines[index]
        with Image.open(path) as image:
            if self.job["draft"]:
                image.draft("RGB", self.job["size"])
            small = image.convert("RGB").resize(self.job["size"], Image.Resampling.BILINEAR)
        return self.changed(np.asarray(small), 0), int(label)


class Collate:
    """Stacks bytes and makes floats of the whole batch at once, which is faster than of each."""

    def __init__(self, job: Any) -> None:
        self.job = job

    def __call__(self, items: list[tuple[Any, int]]) -> tuple[Any, Any]:
        """Return a batch of floats (N, C, H, W), and labels."""
        import torch

        x = torch.from_numpy(np.stack([image for image, _ in items]))
        if self.job["last"]:
            x = x.permute(0, 3, 1, 2)
        y = x.float()
        if self.job["mean"]:
            y -= torch.tensor(self.job["mean"], dtype=torch.float32).view(1, -1, 1, 1)
        if self.job["scale"] != 1:
            y *= self.job["scale"]
        return y, torch.tensor([label for _, label in items])


def main() -> None:
    """Read a job; then time as many batches as each line of standard input says."""
    job = json.loads(sys.stdin.readline())
    take = netcfg_batches(job) if job["side"] == "netcfg" else torch_batches(job)
    for _ in range(HEAD_START):
        take()
    print("ready", flush=True)
    for line in sys.stdin:
        for _ in range(HEAD_START):
            take()
        start = time.perf_counter()
        for _ in range(int(line)):
            take()
        print(int(line) * job["batch"] / (time.perf_counter() - start), flush=True)


if __name__ == "__main__":
    main()
