// Vectors by channel with arrays of pixels × channels.
//
// Element i has channel (i / inner) % channels: inner is 1 channels-last, ΠS in C order. What a
// channel needs is made once by each thread, which stays with its channels. Sums over pixels go in
// two steps, parts and then their sum, so that they are the same every time.

__device__ inline unsigned channel_of(unsigned i, int channels, int inner) {
    return inner == 1 ? i % channels : i / inner % channels;
}

// Index of a pixel's value in a channel.
__device__ inline unsigned element(unsigned row, unsigned c, int channels, int inner) {
    if (inner == 1) return row * channels + c;
    return (row / inner * channels + c) * inner + row % inner;
}

template <class F, class K, class... Packs>
__device__ inline Vec<PACK> pack_of_channels(F f, const K* k, const Packs&... xs) {
    Vec<PACK> y;
#pragma unroll
    for (int j = 0; j < PACK; j++) y.v[j] = stored(f(k[j], widen(xs.v[j])...));
    return y;
}

// y[i] = f(make(channel), xs[i]...), in packs of neighbouring channels of a pixel where it can be.
template <class Make, class F, class... X>
__device__ inline void map_channels(unsigned n, int channels, int inner, Real* y, Make make, F f,
                                    const X*... xs) {
    unsigned thread = blockIdx.x * blockDim.x + threadIdx.x, threads = gridDim.x * blockDim.x;
    unsigned packs = channels / PACK;  // of a pixel
    bool packed = inner == 1 && channels % PACK == 0 && threads >= packs;
    if (!packed || !(aligned(y) && ... && aligned(xs))) {
        FOR_EACH(i, n) y[i] = stored(f(make(channel_of(i, channels, inner)), widen(xs[i])...));
        return;
    }
    unsigned step = threads - threads % packs;  // brings a thread to the same channels again
    if (thread >= step) return;
    decltype(make(0u)) k[PACK];
#pragma unroll
    for (int j = 0; j < PACK; j++) k[j] = make(thread % packs * PACK + j);
    for (unsigned i = thread; i < n / PACK; i += step)
        store(y + i * PACK, pack_of_channels(f, k, load<PACK>(xs + i * PACK)...));
}

// y = x w + b, with a ReLU of that slope where `bend`
extern "C" __global__ void scale_channels(const Real* x, const Acc* w, const Acc* b, Real* y, int n,
                                          int channels, int inner, int bend, Acc slope) {
    auto make = [=](unsigned c) { return Two{w ? w[c] : Acc(1), b ? b[c] : Acc(0)}; };
    auto f = [=](const Two& k, Acc x) {
        Acc y = x * k.a + k.b;
        return bend ? bend_by(y, slope) : y;
    };
    map_channels(n, channels, inner, y, make, f, x);
}

// y = x where x > 0, else a x
extern "C" __global__ void prelu(const Real* x, const Acc* a, Real* y, int n, int channels,
                                 int inner) {
    auto f = [](Acc slope, Acc x) { return x > 0 ? x : slope * x; };
    map_channels(n, channels, inner, y, [=](unsigned c) { return a[c]; }, f, x);
}

extern "C" __global__ void prelu_grad(const Real* dy, const Real* x, const Acc* a, Real* dx, int n,
                                      int channels, int inner) {
    auto f = [](Acc slope, Acc dy, Acc x) { return x > 0 ? dy : slope * dy; };
    map_channels(n, channels, inner, dx, [=](unsigned c) { return a[c]; }, f, dy, x);
}

// Sums over pixels --------------------------------------------------------------------------------

template <int V, class F, class K, class... Vecs>
__device__ inline void add_to(Two* total, F f, const K* k, const Vecs&... xs) {
#pragma unroll
    for (int j = 0; j < V; j++) {
        Two value = f(k[j], widen(xs.v[j])...);
        total[j].a += value.a;
        total[j].b += value.b;
    }
}

// Sums of f(make(channel), xs...) over the rows of this block and 32 channels, V for each thread.
template <int V, class Make, class F, class... X>
__device__ inline void sum_rows_of(Make make, F f, Acc* partial, int halves, int rows, int channels,
                                   int inner, const X*... xs) {
    const unsigned LANES = 32 / V, ROWS = 8 * V;
    __shared__ Acc sums[2][ROWS][33];
    unsigned thread = threadIdx.y * 32 + threadIdx.x, lane = thread % LANES, own = thread / LANES;
    unsigned c = blockIdx.x * 32 + lane * V;
    Two total[V] = {};
    if (c < (unsigned)channels) {
        decltype(make(0u)) k[V];
        for (int j = 0; j < V; j++) k[j] = make(c + j);
#pragma unroll 4
        for (unsigned row = blockIdx.y * ROWS + own; row < (unsigned)rows; row += gridDim.y * ROWS)
            add_to<V>(total, f, k, load<V>(xs + element(row, c, channels, inner))...);
    }
    for (int j = 0; j < V; j++) {
        sums[0][own][lane * V + j] = total[j].a;
        sums[1][own][lane * V + j] = total[j].b;
    }
    __syncthreads();
    int half = threadIdx.y;
    c = blockIdx.x * 32 + threadIdx.x;
    if (half >= halves || c >= (unsigned)channels) return;
    Acc sum = 0;
    for (unsigned j = 0; j < ROWS; j++) sum += sums[half][j][threadIdx.x];
    partial[(half * channels + c) * gridDim.y + blockIdx.y] = sum;
}

// The first of the two sums, or both, into partial[half][channel][part]. Block (32, 8).
template <class Make, class F, class... X>
__device__ inline void sum_rows(Make make, F f, Acc* partial, int halves, int rows, int channels,
                                int inner, const X*... xs) {
    const int V = sizeof(Real) == 2 ? 2 : 1;
    if (inner == 1 && channels % V == 0 && (aligned(xs) && ...))
        sum_rows_of<V>(make, f, partial, halves, rows, channels, inner, xs...);
    else
        sum_rows_of<1>(make, f, partial, halves, rows, channels, inner, xs...);
}

// A warp for each channel.
#define FOR_CHANNELS(c, channels)                      \
    FOR_EACH(thread, 32u * (channels))                 \
        if (unsigned c = thread / 32; true)

// Sum of the parts of a channel, in all threads of the warp.
__device__ inline double fold(const Acc* partial, int half, int parts, int channels, unsigned c) {
    double sum = 0;
    const Acc* own = partial + (half * channels + c) * parts;
    for (int p = threadIdx.x % 32; p < parts; p += 32) sum += own[p];
    return row_sum(sum, 32);
}

__device__ inline bool first_of_warp() { return threadIdx.x % 32 == 0; }

// By channel, 0: sum of a, 1: of a b, 2: of a min(b, 0)
extern "C" __global__ void channel_sums_partial(const Real* a, const Real* b, Acc* partial,
                                                int rows, int channels, int inner, int op) {
    auto make = [](unsigned) { return 0; };
    if (op == 0) {
        auto f = [](int, Acc a) { return Two{a, 0}; };
        sum_rows(make, f, partial, 1, rows, channels, inner, a);
    } else {
        auto f = [=](int, Acc a, Acc b) { return Two{op == 2 && b > 0 ? Acc(0) : a * b, 0}; };
        sum_rows(make, f, partial, 1, rows, channels, inner, a, b);
    }
}

extern "C" __global__ void fold_sums(const Acc* partial, Acc* sums, int parts, int channels,
                                     int add) {
    FOR_CHANNELS(c, channels) {
        Acc sum = fold(partial, 0, parts, channels, c);
        if (first_of_warp()) sums[c] = add ? sums[c] + sum : sum;
    }
}

// Batch normalization -----------------------------------------------------------------------------

// Sums of x - x0 and its square, x0 the first pixel: near the mean, so that little cancels.
extern "C" __global__ void batch_norm_partial(const Real* x, Acc* partial, int rows, int channels,
                                              int inner) {
    auto make = [=](unsigned c) { return widen(x[element(0, c, channels, inner)]); };
    auto f = [](Acc first, Acc x) {
        Acc d = x - first;
        return Two{d, d * d};
    };
    sum_rows(make, f, partial, 2, rows, channels, inner, x);
}

// mean = mean of x, var = mean of (x - mean)^2
extern "C" __global__ void fold_batch_norm(const Acc* partial, const Real* x, Acc* mean, Acc* var,
                                           int parts, int rows, int channels, int inner) {
    FOR_CHANNELS(c, channels) {
        double shift = fold(partial, 0, parts, channels, c) / rows;
        double square = fold(partial, 1, parts, channels, c) / rows;
        double spread = square - shift * shift;
        if (!first_of_warp()) continue;
        mean[c] = widen(x[element(0, c, channels, inner)]) + shift;
        var[c] = spread < 0 ? 0 : spread;
    }
}

// var of 1 / sqrt(var + eps)
extern "C" __global__ void variance_of(const Acc* inverse, Acc* var, int channels, Acc eps) {
    FOR_EACH(c, channels) {
        double spread = 1 / ((double)inverse[c] * inverse[c]) - eps;
        var[c] = spread < 0 ? 0 : spread;
    }
}

// What normalizing takes: z = (x - mean) inverse, y = w z + b
struct Norm {
    Acc mean, inverse, w, b;

    __device__ Acc z(Acc x) const { return (x - mean) * inverse; }
    __device__ Acc y(Acc x) const { return w * z(x) + b; }
};

// Without a mean x is z itself.
__device__ inline Norm norm_of(const Acc* mean, const Acc* var, const Acc* w, const Acc* b, Acc eps,
                               unsigned c) {
    return {mean ? mean[c] : Acc(0), mean ? rsqrt(var[c] + eps) : Acc(1), w ? w[c] : Acc(1),
            b ? b[c] : Acc(0)};
}

// y = w (x - mean) / sqrt(var + eps) + b, with a ReLU where `bend`
extern "C" __global__ void normalize(const Real* x, const Acc* mean, const Acc* var, const Acc* w,
                                     const Acc* b, Real* y, int n, int channels, int inner, Acc eps,
                                     int bend) {
    auto make = [=](unsigned c) { return norm_of(mean, var, w, b, eps, c); };
    auto f = [=](const Norm& k, Acc x) { return bend ? bend_by(k.y(x), 0) : k.y(x); };
    map_channels(n, channels, inner, y, make, f, x);
}

// Sums of dy and dy z, with z the normalized x, over where the ReLU lets through
extern "C" __global__ void batch_norm_grad_partial(const Real* dy, const Real* x, const Acc* mean,
                                                   const Acc* var, const Acc* w, const Acc* b,
                                                   Acc* partial, int rows, int channels, int inner,
                                                   Acc eps, int bend) {
    auto make = [=](unsigned c) { return norm_of(mean, var, w, b, eps, c); };
    auto f = [=](const Norm& k, Acc dy, Acc x) {
        Acc d = bend && !(k.y(x) > 0) ? Acc(0) : dy;
        return Two{d, d * k.z(x)};
    };
    sum_rows(make, f, partial, 2, rows, channels, inner, dy, x);
}

extern "C" __global__ void fold_batch_norm_grad(const Acc* partial, Acc* sum_dy, Acc* sum_dy_z,
                                                int parts, int channels) {
    FOR_CHANNELS(c, channels) {
        Acc first = fold(partial, 0, parts, channels, c);
        Acc second = fold(partial, 1, parts, channels, c);
        if (!first_of_warp()) continue;
        sum_dy[c] = first;
        sum_dy_z[c] = second;
    }
}

struct NormGrad {
    Norm norm;
    Acc factor, mean_dy, mean_dy_z;
};

// dx = w (dy - mean(dy) - z mean(dy z)) / sqrt(var + eps), means over `rows` pixels
extern "C" __global__ void batch_norm_grad(const Real* dy, const Real* x, const Acc* mean,
                                           const Acc* var, const Acc* w, const Acc* b,
                                           const Acc* sum_dy, const Acc* sum_dy_z, Real* dx, int n,
                                           int channels, int inner, int rows, Acc eps, int bend) {
    auto make = [=](unsigned c) {
        Norm norm = norm_of(mean, var, w, b, eps, c);
        Acc factor = norm.w * rsqrt(var[c] + eps);
        return NormGrad{norm, factor, sum_dy[c] / rows, sum_dy_z[c] / rows};
    };
    auto f = [=](const NormGrad& k, Acc dy, Acc x) {
        Acc d = bend && !(k.norm.y(x) > 0) ? Acc(0) : dy;
        return k.factor * (d - k.mean_dy - k.norm.z(x) * k.mean_dy_z);
    };
    map_channels(n, channels, inner, dx, make, f, dy, x);
}

// mean_sum = fraction mean_sum + mean,  var_sum likewise with rows / (rows - 1) var,
// factor = fraction factor + 1
extern "C" __global__ void running_stats(const Acc* mean, const Acc* var, Acc* mean_sum,
                                         Acc* var_sum, Acc* factor, int channels, int rows,
                                         Acc fraction) {
    Acc unbiased = Acc(rows) / (rows > 1 ? rows - 1 : 1);
    FOR_EACH(c, channels) {
        mean_sum[c] = fraction * mean_sum[c] + mean[c];
        var_sum[c] = fraction * var_sum[c] + unbiased * var[c];
        if (c == 0) factor[0] = fraction * factor[0] + 1;
    }
}
