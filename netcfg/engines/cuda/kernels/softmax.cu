// Softmax of (outer, K, inner) along K.
//
// Where inner is 1, `width` neighbouring threads share a row; else each thread has a column.

// Row of this thread where `width` threads share one, and what it may read of it.
struct Share {
    unsigned row;
    int lane, count;  // count is 0 in threads past the last row, which must still take part
};

__device__ inline Share share_of(int rows, int K, int width) {
    unsigned thread = blockIdx.x * blockDim.x + threadIdx.x;
    Share share = {thread / width, int(thread % width), K};
    if (share.row >= (unsigned)rows) share = {0, 0, 0};
    return share;
}

// p[k] = exp(x[k] - max) / sum for k = lane, lane + width, ...; f(k, p) gets each.
template <class F>
__device__ inline void softmax_of(const Real* x, const Share& share, int inner, int width, F f) {
    Acc best = -infinity(), sum = 0;
    for (int k = share.lane; k < share.count; k += width) {
        Acc value = widen(x[k * inner]);
        best = value > best ? value : best;
    }
    best = row_max(best, width);
    for (int k = share.lane; k < share.count; k += width) sum += exp(widen(x[k * inner]) - best);
    sum = row_sum(sum, width);
    for (int k = share.lane; k < share.count; k += width)
        f(k, exp(widen(x[k * inner]) - best) / sum);
}

// y = exp(x - max x) / sum of exp(x - max x)
extern "C" __global__ void softmax_rows(const Real* x, Real* y, int rows, int K, int width) {
    Share share = share_of(rows, K, width);
    Real* row = y + share.row * K;
    softmax_of(x + share.row * K, share, 1, width, [=](int k, Acc p) { row[k] = stored(p); });
}

// dx = y (dy - sum of dy y)
extern "C" __global__ void softmax_rows_grad(const Real* dy, const Real* y, Real* dx, int rows,
                                             int K, int width) {
    Share share = share_of(rows, K, width);
    unsigned start = share.row * K;
    Acc sum = 0;
    for (int k = share.lane; k < share.count; k += width)
        sum += widen(dy[start + k]) * widen(y[start + k]);
    sum = row_sum(sum, width);
    for (int k = share.lane; k < share.count; k += width)
        dx[start + k] = stored(widen(y[start + k]) * (widen(dy[start + k]) - sum));
}

extern "C" __global__ void softmax_columns(const Real* x, Real* y, int outer, int K, int inner) {
    FOR_EACH(i, outer * inner) {
        unsigned start = i / inner * K * inner + i % inner;
        Acc best = -infinity(), sum = 0;
        for (int k = 0; k < K; k++) {
            Acc value = widen(x[start + k * inner]);
            best = value > best ? value : best;
        }
        for (int k = 0; k < K; k++) sum += exp(widen(x[start + k * inner]) - best);
        for (int k = 0; k < K; k++)
            y[start + k * inner] = stored(exp(widen(x[start + k * inner]) - best) / sum);
    }
}

extern "C" __global__ void softmax_columns_grad(const Real* dy, const Real* y, Real* dx, int outer,
                                                int K, int inner) {
    FOR_EACH(i, outer * inner) {
        unsigned start = i / inner * K * inner + i % inner;
        Acc sum = 0;
        for (int k = 0; k < K; k++)
            sum += widen(dy[start + k * inner]) * widen(y[start + k * inner]);
        for (int k = 0; k < K; k++) {
            unsigned at = start + k * inner;
            dx[at] = stored(widen(y[at]) * (widen(dy[at]) - sum));
        }
    }
}
