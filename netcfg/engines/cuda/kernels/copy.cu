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
