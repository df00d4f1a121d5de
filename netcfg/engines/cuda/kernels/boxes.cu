// Boxes (x1, y1, x2, y2) and regions. `edge` is added to differences of corners to get sides: 1 for
// pixels, else 0.

__device__ inline Acc side(Acc low, Acc high, Acc edge) {
    Acc length = high - low + edge;
    return length < 0 ? Acc(0) : length;
}

__device__ inline Acc common(const Acc* a, const Acc* b, Acc edge) {
    Acc left = a[0] > b[0] ? a[0] : b[0], top = a[1] > b[1] ? a[1] : b[1];
    Acc right = a[2] < b[2] ? a[2] : b[2], bottom = a[3] < b[3] ? a[3] : b[3];
    return side(left, right, edge) * side(top, bottom, edge);
}

__device__ inline Acc product_of_sides(const Acc* a, Acc edge) {
    return (a[2] - a[0] + edge) * (a[3] - a[1] + edge);
}

// y[i, j] = intersection over union of a[i] and b[j]; boxes whose corners changed places are empty
extern "C" __global__ void box_overlaps(const Acc* a, const Acc* b, Acc* y, int n, int m,
                                        Acc edge) {
    FOR_EACH(i, n * m) {
        const Acc *p = a + i / m * 4, *q = b + i % m * 4;
        Acc first = p[2] >= p[0] && p[3] >= p[1] ? product_of_sides(p, edge) : Acc(0);
        Acc second = q[2] >= q[0] && q[3] >= q[1] ? product_of_sides(q, edge) : Acc(0);
        Acc shared = common(p, q, edge), all = first + second - shared;
        y[i] = all != 0 ? shared / all : Acc(0);
    }
}

// Bit j of row i: whether box j, a later one, overlaps box i by more than the threshold. Not a
// quotient: boxes without area overlap nothing. Block 64, grid (words, words).
extern "C" __global__ void nms_mask(const Acc* boxes, unsigned long long* mask, int n,
                                    Acc threshold, Acc edge) {
    unsigned own = blockIdx.y * 64 + threadIdx.x, words = (n + 63u) / 64;
    if (own >= (unsigned)n) return;
    const Acc* box = boxes + own * 4;
    unsigned long long bits = 0;
    for (unsigned k = 0; k < 64; k++) {
        unsigned other = blockIdx.x * 64 + k;
        if (other <= own || other >= (unsigned)n) continue;
        const Acc* rival = boxes + other * 4;
        Acc shared = common(box, rival, edge);
        Acc all = product_of_sides(box, edge) + product_of_sides(rival, edge) - shared;
        if (!(shared <= threshold * all)) bits |= 1ull << k;
    }
    mask[own * words + blockIdx.x] = bits;
}

// kept = the boxes that no kept box before them overlaps, `limit` at most. One block; `gone` has a
// bit for each box.
extern "C" __global__ void nms_keep(const unsigned long long* mask, int* kept, int* count,
                                    unsigned long long* gone, int n, int limit) {
    unsigned words = (n + 63u) / 64;
    for (unsigned w = threadIdx.x; w < words; w += blockDim.x) gone[w] = 0;
    __syncthreads();
    int found = 0;
    for (unsigned i = 0; i < (unsigned)n && found < limit; i++) {
        if (gone[i / 64] >> (i % 64) & 1) continue;  // row i changes later bits only
        if (threadIdx.x == 0) kept[found] = i;
        found++;
        for (unsigned w = threadIdx.x; w < words; w += blockDim.x) gone[w] |= mask[i * words + w];
        __syncthreads();
    }
    if (threadIdx.x == 0) *count = found;
}

// Regions -----------------------------------------------------------------------------------------

// First row of a region and rows of a cell, as Fast R-CNN rounds them: in float32, each
// operation on its own, as the CPU does it.
struct Span { float first, step; };

__device__ inline float nearest(float x) { return x < 0 ? ceilf(x - 0.5f) : floorf(x + 0.5f); }

__device__ inline Span span_of(const float* roi, int axis, int parts, float scale, float ratio) {
    float low = roi[1 + axis], high = roi[3 + axis];
    if (ratio != 0) {
        float margin = __fmul_rn(high - low + 1.0f, ratio);
        low -= margin;
        high += margin;
    }
    low = nearest(__fmul_rn(low, scale));
    high = nearest(__fmul_rn(high, scale));
    if (ratio != 0 && low < 0) low = 0;
    float length = high - low + 1.0f;
    return {low, (length < 1 ? 1.0f : length) / float(parts)};
}

__device__ inline int edge_of(float at, int size) {
    return at < 0 ? 0 : at > float(size) ? size : int(at);
}

// y[r, p, q, c] = the greatest x in cell (p, q) of region r, 0 where that is empty;
// place = its flat index in H × W, -1 where empty
extern "C" __global__ void roi_pool(const Real* x, const float* rois, Real* y, int* place, int R,
                                    int C, int H, int W, int P, int Q, float spatial_scale,
                                    float pad_ratio) {
    FOR_EACH(i, R * P * Q * C) {
        unsigned c = i % C, q = i / C % Q, p = i / C / Q % P, r = i / C / Q / P;
        const float* roi = rois + r * 5;
        Span down = span_of(roi, 1, P, spatial_scale, pad_ratio);
        Span across = span_of(roi, 0, Q, spatial_scale, pad_ratio);
        int top = edge_of(floorf(__fmul_rn(float(p), down.step)) + down.first, H);
        int bottom = edge_of(ceilf(__fmul_rn(float(p + 1), down.step)) + down.first, H);
        int left = edge_of(floorf(__fmul_rn(float(q), across.step)) + across.first, W);
        int right = edge_of(ceilf(__fmul_rn(float(q + 1), across.step)) + across.first, W);
        const Real* image = x + unsigned(roi[0]) * H * W * C + c;
        Acc best = 0;
        int where = -1;
        for (int h = top; h < bottom; h++)
            for (int w = left; w < right; w++) {
                Acc value = widen(image[(h * W + w) * C]);
                if (where < 0 || value > best) {
                    best = value;
                    where = h * W + w;
                }
            }
        y[i] = stored(best);
        if (place) place[i] = where;
    }
}

// First and last cell along an axis that may have this row, one more on each side than is certain.
__device__ inline void cells(const Span& span, int at, int parts, int& first, int& last) {
    float low = floorf((at - span.first) / span.step) - 1;
    float high = ceilf((at + 1 - span.first) / span.step) + 1;
    first = low < 0 ? 0 : low > parts ? parts : int(low);
    last = high < 0 ? -1 : high > parts - 1 ? parts - 1 : int(high);
}

// dx = sum of dy of the cells whose greatest value this is, region by region
extern "C" __global__ void roi_pool_grad(const Real* dy, const float* rois, const int* place,
                                         Real* dx, int R, int N, int C, int H, int W, int P, int Q,
                                         float spatial_scale, float pad_ratio) {
    FOR_EACH(i, N * H * W * C) {
        unsigned c = i % C, w = i / C % W, h = i / C / W % H, n = i / C / W / H;
        int self = h * W + w;
        Acc sum = 0;
        for (int r = 0; r < R; r++) {
            const float* roi = rois + r * 5;
            if (unsigned(roi[0]) != n) continue;
            int top, bottom, left, right;
            cells(span_of(roi, 1, P, spatial_scale, pad_ratio), h, P, top, bottom);
            cells(span_of(roi, 0, Q, spatial_scale, pad_ratio), w, Q, left, right);
            for (int p = top; p <= bottom; p++)
                for (int q = left; q <= right; q++) {
                    unsigned at = ((r * P + p) * Q + q) * C + c;
                    if (place[at] == self) sum += widen(dy[at]);
                }
        }
        dx[i] = stored(sum);
    }
}
