"""Pooling of regions by kernels; the regions themselves are checked on the CPU."""

from typing import Any

import numpy as np

from netcfg.engines.cuda.arrays import empty
from netcfg.engines.cuda.forms import Form
from netcfg.types import Array


class RegionPool(Form):
    """The greatest value of each cell of each region."""

    def there(self, *bottoms: Array) -> Any:
        engine, layer = self.engine, self.layer
        x, rois = engine._last(bottoms[0]), self.xp.asarray(layer.rows(bottoms[1]))
        y = engine._made(x, (len(rois), x.shape[1], *layer.pooled))
        place = empty(self.xp, y.shape, np.int32, channels_last=True)
        self._sizes = x.shape
        engine._each(x, "roi_pool", y.size, x, rois, y, place, len(rois), *self._geometry())
        self._kept = (rois, place) if layer.need[0] else None
        return y

    def back(self, *tops: Array) -> Any:
        if not self.layer.need[0]:
            return None, None
        rois, place = self._kept
        dy = self.engine._last(tops[0])
        dx = self.engine._made(dy, self._sizes)
        sizes = len(rois), self._sizes[0], *self._geometry()
        self.engine._each(dy, "roi_pool_grad", dx.size, dy, rois, place, dx, *sizes)
        return dx, None

    def _geometry(self) -> tuple[Any, ...]:
        """Return channels, sizes of the map and of the cells, and how regions lie on the map."""
        config = self.layer.config.roi_pooling_param
        return *self._sizes[1:], *self.layer.pooled, config.spatial_scale, config.pad_ratio
