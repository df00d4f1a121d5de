// A table of learned rows.

// y[m] = w[index[m]] + b; NaN where there is no such row
extern "C" __global__ void embed(const Acc* index, const Acc* w, const Acc* b, Real* y, int items,
                                 int rows, int width) {
    FOR_EACH(i, items * width) {
        unsigned m = i / width, d = i % width;
        Acc weight;
        int row = class_of(index[m], rows, 0, 0, weight);
        y[i] = stored(w[(long long)row * width + d] * weight + (b ? b[d] : Acc(0)));
    }
}

// The row of an index, -1 where there is none.
__device__ inline int row_of(Acc index, int rows) {
    Acc weight;
    int row = class_of(index, rows, 0, 0, weight);
    return weight == 1 ? row : -1;
}

// dw[k] += sum of dy[m] where index[m] = k. The first item of each row adds up all that share it,
// in order, so that the sum is the same every time; one block for each item.
extern "C" __global__ void embed_grad(const Acc* index, const Real* dy, Acc* dw, int items,
                                      int rows, int width) {
    int own = blockIdx.x, row = row_of(index[own], rows);
    if (row < 0) return;
    for (int m = 0; m < own; m++)
        if (row_of(index[m], rows) == row) return;
    for (int d = threadIdx.x; d < width; d += blockDim.x) {
        Acc sum = 0;
        for (int m = own; m < items; m++)
            if (row_of(index[m], rows) == row) sum += widen(dy[(long long)m * width + d]);
        dw[(long long)row * width + d] += sum;
    }
}
