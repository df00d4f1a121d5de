// Copies between layouts.

// y = x, or y += x where `add`, through the strides of both: permute, slice, concatenate, repeat
// (stride 0), reverse (negative stride)
extern "C" __global__ void copy_strided(const Real* x, Real* y, Strided s, int add) {
    unsigned count = 1;
    for (int a = 0; a < s.axes; a++) count *= s.shape[a];
    FOR_EACH(i, count) {
        unsigned rest = i;
        long long from = 0, to = 0;
        for (int a = s.axes - 1; a >= 0; a--) {
            unsigned at = rest % s.shape[a];
            rest /= s.shape[a];
            from += at * s.x[a];
            to += at * s.y[a];
        }
        y[to] = add ? stored(widen(y[to]) + widen(x[from])) : x[from];
    }
}

// Rows of `width` elements, whose starts lie a pitch apart: one bottom of a Concat
extern "C" __global__ void copy_rows(const Real* x, Real* y, int rows, int width, int x_pitch,
                                     int y_pitch, int add) {
    bool packed = !add && width % PACK == 0 && x_pitch % PACK == 0 && y_pitch % PACK == 0 &&
        aligned(x) && aligned(y);
    if (packed) {
        unsigned packs = width / PACK;
        FOR_EACH(i, rows * packs) {
            unsigned row = i / packs, at = i % packs * PACK;
            store(y + row * y_pitch + at, load<PACK>(x + row * x_pitch + at));
        }
        return;
    }
    FOR_EACH(i, rows * width) {
        unsigned row = i / width, at = i % width;
        Real value = x[row * x_pitch + at];
        Real* to = y + row * y_pitch + at;
        *to = add ? stored(widen(*to) + widen(value)) : value;
    }
}

// (batch, rows, columns) → (batch, columns, rows), by tiles of 32 × 32; block (32, 8)
extern "C" __global__ void transpose(const Real* x, Real* y, int rows, int columns) {
    __shared__ Real tile[32][33];
    unsigned batch = blockIdx.z * (unsigned)rows * columns;
    unsigned top = blockIdx.y * 32, left = blockIdx.x * 32;
    for (unsigned j = threadIdx.y; j < 32; j += 8) {
        unsigned row = top + j, column = left + threadIdx.x;
        if (row < (unsigned)rows && column < (unsigned)columns)
            tile[j][threadIdx.x] = x[batch + row * columns + column];
    }
    __syncthreads();
    for (unsigned j = threadIdx.y; j < 32; j += 8) {
        unsigned column = left + j, row = top + threadIdx.x;
        if (row < (unsigned)rows && column < (unsigned)columns)
            y[batch + column * rows + row] = tile[threadIdx.x][j];
    }
}

// dx (outer, inner) = sum over the second axis of dy (outer, tiles, inner)
extern "C" __global__ void tile_grad(const Real* dy, Real* dx, int outer, int tiles, int inner) {
    FOR_EACH(i, outer * inner) {
        unsigned start = i / inner * tiles * inner + i % inner;
        Acc sum = 0;
        for (int t = 0; t < tiles; t++) sum += widen(dy[start + t * inner]);
        dx[i] = stored(sum);
    }
}
