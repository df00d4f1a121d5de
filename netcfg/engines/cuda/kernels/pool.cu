// Pooling on channels-last arrays: a thread for each output, or for each input of a gradient.
//
// No thread adds to what another writes: gradients are gathered, the same every time.

struct Place { unsigned n, at[3], c; };

// The place of element i of (n, *size, C).
__device__ inline Place place_of(unsigned i, const int* size, int C) {
    Place p;
    p.c = i % C;
    i /= C;
    for (int a = 2; a >= 0; a--) {
        p.at[a] = i % size[a];
        i /= size[a];
    }
    p.n = i;
    return p;
}

// Flat index in the plane *S.
__device__ inline int flat(const int* at, const int* size) {
    return (at[0] * size[1] + at[1]) * size[2] + at[2];
}

__device__ inline unsigned outputs(const Window& g) {
    return (unsigned)g.n * g.out[0] * g.out[1] * g.out[2] * g.channels;
}

__device__ inline unsigned inputs(const Window& g) {
    return (unsigned)g.n * g.size[0] * g.size[1] * g.size[2] * g.channels;
}

// Call f(index in *S) for what the window of an output covers of the image, in order.
template <class F> __device__ inline void under_window(const Window& g, const Place& p, F f) {
    int at[3];
    for (int i = 0; i < g.kernel[0]; i++) {
        at[0] = (int)p.at[0] * g.stride[0] + i * g.dilation[0] - g.pad[0];
        if (at[0] < 0 || at[0] >= g.size[0]) continue;
        for (int j = 0; j < g.kernel[1]; j++) {
            at[1] = (int)p.at[1] * g.stride[1] + j * g.dilation[1] - g.pad[1];
            if (at[1] < 0 || at[1] >= g.size[1]) continue;
            for (int k = 0; k < g.kernel[2]; k++) {
                at[2] = (int)p.at[2] * g.stride[2] + k * g.dilation[2] - g.pad[2];
                if (at[2] >= 0 && at[2] < g.size[2]) f(flat(at, g.size));
            }
        }
    }
}

// First and last window along an axis that reach over a place.
__device__ inline void reach(const Window& g, int a, int at, int& first, int& last) {
    int extent = g.dilation[a] * (g.kernel[a] - 1) + 1, place = at + g.pad[a];
    first = place < extent ? 0 : (place - extent) / g.stride[a] + 1;
    last = place / g.stride[a];
    if (last >= g.out[a]) last = g.out[a] - 1;
}

// Call f(index in *T, place in *T) for the windows that reach over an input, in order. With a
// dilation some of them skip the input.
template <class F> __device__ inline void over_input(const Window& g, const Place& p, F f) {
    int first[3], last[3], at[3];
    for (int a = 0; a < 3; a++) reach(g, a, p.at[a], first[a], last[a]);
    for (at[0] = first[0]; at[0] <= last[0]; at[0]++)
        for (at[1] = first[1]; at[1] <= last[1]; at[1]++)
            for (at[2] = first[2]; at[2] <= last[2]; at[2]++) f(flat(at, g.out), at);
}

// How many places of the padded image a window covers; what hangs over its end does not count.
__device__ inline int area(const Window& g, const int* at) {
    int product = 1;
    for (int a = 0; a < 3; a++) {
        int start = at[a] * g.stride[a] - g.pad[a], end = start + g.kernel[a];
        int edge = g.size[a] + g.pad[a];
        product *= (end < edge ? end : edge) - start;
    }
    return product;
}

__device__ inline int area(const Window& g, const Place& p) {
    int at[3] = {(int)p.at[0], (int)p.at[1], (int)p.at[2]};
    return area(g, at);
}

__device__ inline int plane(const int* size) { return size[0] * size[1] * size[2]; }

// V numbers, four at a time.
template <int V> __device__ inline void load_ints(const int* from, int* to) {
    const int W = V < 4 ? V : 4;
#pragma unroll
    for (int j = 0; j < V; j += W) {
        Vec<W, int> part = load<W>(from + j);
        for (int k = 0; k < W; k++) to[j + k] = part.v[k];
    }
}

template <int V> __device__ inline void store_ints(const int* from, int* to) {
    const int W = V < 4 ? V : 4;
#pragma unroll
    for (int j = 0; j < V; j += W) {
        Vec<W, int> part;
        for (int k = 0; k < W; k++) part.v[k] = from[j + k];
        store(to + j, part);
    }
}

// Maximum -----------------------------------------------------------------------------------------

template <int V>
__device__ inline void max_pool_of(const Real* x, Real* y, int* mask, const Window& g) {
    FOR_EACH(i, outputs(g) / V) {
        Place p = place_of(i, g.out, g.channels / V);
        const Real* image = x + p.n * plane(g.size) * g.channels + p.c * V;
        Acc best[V];
        int where[V];
        for (int j = 0; j < V; j++) {
            best[j] = -infinity();
            where[j] = -1;
        }
        under_window(g, p, [&](int at) {
            Vec<V> here = load<V>(image + at * g.channels);
#pragma unroll
            for (int j = 0; j < V; j++) {
                Acc value = widen(here.v[j]);  // NaN wins, the first one
                bool better = value > best[j] || (value != value && best[j] == best[j]);
                if (better || where[j] < 0) {
                    best[j] = value;
                    where[j] = at;
                }
            }
        });
        Vec<V> out;
        for (int j = 0; j < V; j++) out.v[j] = stored(best[j]);
        store(y + i * V, out);
        if (mask) store_ints<V>(where, mask + i * V);
    }
}

// y = the greatest value under each window, mask = the flat index in *S of the first such
extern "C" __global__ void max_pool(const Real* x, Real* y, int* mask, Window g) {
    bool packed = g.channels % PACK == 0 && aligned(x) && aligned(y) && aligned(mask);
    if (packed) max_pool_of<PACK>(x, y, mask, g);
    else max_pool_of<1>(x, y, mask, g);
}

template <int V>
__device__ inline void max_pool_grad_of(const Real* dy, const int* mask, Real* dx,
                                        const Window& g) {
    FOR_EACH(i, inputs(g) / V) {
        Place p = place_of(i, g.size, g.channels / V);
        unsigned start = p.n * plane(g.out) * g.channels + p.c * V;
        int own[3] = {(int)p.at[0], (int)p.at[1], (int)p.at[2]};
        int self = flat(own, g.size);
        Acc sum[V] = {};
        over_input(g, p, [&](int t, const int*) {
            Vec<V> d = load<V>(dy + start + t * g.channels);
            int from[V];
            load_ints<V>(mask + start + t * g.channels, from);
#pragma unroll
            for (int j = 0; j < V; j++)
                if (from[j] == self) sum[j] += widen(d.v[j]);
        });
        Vec<V> out;
        for (int j = 0; j < V; j++) out.v[j] = stored(sum[j]);
        store(dx + i * V, out);
    }
}

// dx = sum of dy of the windows whose maximum this is
extern "C" __global__ void max_pool_grad(const Real* dy, const int* mask, Real* dx, Window g) {
    bool packed = g.channels % PACK == 0 && aligned(dy) && aligned(dx) && aligned(mask);
    if (packed) max_pool_grad_of<PACK>(dy, mask, dx, g);
    else max_pool_grad_of<1>(dy, mask, dx, g);
}

// Mean --------------------------------------------------------------------------------------------

template <int V> __device__ inline void ave_pool_of(const Real* x, Real* y, const Window& g) {
    FOR_EACH(i, outputs(g) / V) {
        Place p = place_of(i, g.out, g.channels / V);
        const Real* image = x + p.n * plane(g.size) * g.channels + p.c * V;
        Acc sum[V] = {};
        under_window(g, p, [&](int at) {
            Vec<V> here = load<V>(image + at * g.channels);
#pragma unroll
            for (int j = 0; j < V; j++) sum[j] += widen(here.v[j]);
        });
        Vec<V> out;
        for (int j = 0; j < V; j++) out.v[j] = stored(sum[j] / area(g, p));
        store(y + i * V, out);
    }
}

// y = sum under each window / how many places of the padded image it covers
extern "C" __global__ void ave_pool(const Real* x, Real* y, Window g) {
    if (g.channels % PACK == 0 && aligned(x) && aligned(y)) ave_pool_of<PACK>(x, y, g);
    else ave_pool_of<1>(x, y, g);
}

template <int V>
__device__ inline void ave_pool_grad_of(const Real* dy, Real* dx, const Window& g) {
    FOR_EACH(i, inputs(g) / V) {
        Place p = place_of(i, g.size, g.channels / V);
        const Real* image = dy + p.n * plane(g.out) * g.channels + p.c * V;
        Acc sum[V] = {};
        over_input(g, p, [&](int t, const int* at) {
            Vec<V> d = load<V>(image + t * g.channels);
            Acc share = Acc(1) / area(g, at);
#pragma unroll
            for (int j = 0; j < V; j++) sum[j] += widen(d.v[j]) * share;
        });
        Vec<V> out;
        for (int j = 0; j < V; j++) out.v[j] = stored(sum[j]);
        store(dx + i * V, out);
    }
}

extern "C" __global__ void ave_pool_grad(const Real* dy, Real* dx, Window g) {
    if (g.channels % PACK == 0 && aligned(dy) && aligned(dx)) ave_pool_grad_of<PACK>(dy, dx, g);
    else ave_pool_grad_of<1>(dy, dx, g);
}

// Stochastic: no padding, no dilation -------------------------------------------------------------

// y = one value of each window, drawn with probability x / sum of x; mask as for max_pool, so that
// max_pool_grad is the gradient. Numbers are drawn in the order N, C, *T.
extern "C" __global__ void stochastic_pool(const Real* x, Real* y, int* mask, Window g,
                                           unsigned long long seed, unsigned long long name,
                                           const unsigned long long* step) {
    FOR_EACH(i, outputs(g)) {
        Place p = place_of(i, g.out, g.channels);
        const Real* image = x + p.n * plane(g.size) * g.channels + p.c;
        int at[3] = {(int)p.at[0], (int)p.at[1], (int)p.at[2]};
        unsigned drawn = (p.n * g.channels + p.c) * plane(g.out) + flat(at, g.out);
        float u[8];
        draw(u, drawn / 8, *step, 0, seed, name);
        Acc total = 0, sum = 0;
        under_window(g, p, [&](int at) { total += widen(image[at * g.channels]); });
        Acc wanted = Acc(u[drawn % 8]) * total;
        int first = -1, chosen = -1;
        under_window(g, p, [&](int at) {
            if (first < 0) first = at;
            sum += widen(image[at * g.channels]);
            if (chosen < 0 && sum >= wanted) chosen = at;
        });
        if (chosen < 0) chosen = first;
        y[i] = image[chosen * g.channels];
        if (mask) mask[i] = chosen;
    }
}

// Sums of x and of x^2 under a window.
__device__ inline void sums_under(const Real* image, const Window& g, const Place& p, Acc& sum,
                                  Acc& square) {
    sum = square = 0;
    under_window(g, p, [&](int at) {
        Acc x = widen(image[at * g.channels]);
        sum += x;
        square += x * x;
    });
}

// y = sum of x^2 / sum of x of each window, 0 where the sum of x is not positive
extern "C" __global__ void expected_pool(const Real* x, Real* y, Window g) {
    FOR_EACH(i, outputs(g)) {
        Place p = place_of(i, g.out, g.channels);
        Acc sum, square;
        sums_under(x + p.n * plane(g.size) * g.channels + p.c, g, p, sum, square);
        y[i] = stored(sum > 0 ? square / sum : Acc(0));
    }
}

// dx = sum of (2x - y) dy / sum of x, over the windows that cover x
extern "C" __global__ void expected_pool_grad(const Real* dy, const Real* x, Real* dx, Window g) {
    FOR_EACH(i, inputs(g)) {
        Place p = place_of(i, g.size, g.channels), window = p;
        const Real* image = x + p.n * plane(g.size) * g.channels + p.c;
        const Real* slopes = dy + p.n * plane(g.out) * g.channels + p.c;
        Acc total = 0;
        over_input(g, p, [&](int t, const int* at) {
            for (int a = 0; a < 3; a++) window.at[a] = at[a];
            Acc sum, square;
            sums_under(image, g, window, sum, square);
            Acc slope = widen(slopes[t * g.channels]);
            if (sum > 0) total += (2 * widen(x[i]) - square / sum) * slope / sum;
        });
        dx[i] = stored(total);
    }
}
