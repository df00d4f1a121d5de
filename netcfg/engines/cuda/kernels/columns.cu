// Channels-last images to the columns that a matrix product convolves, and back.

// y[(n, t), (c, k)] = x[n, s t + d k - p, c], 0 outside
extern "C" __global__ void im2col(const Real* x, Real* y, Window g) {
    int taps = plane(g.kernel);
    FOR_EACH(i, (unsigned)g.n * plane(g.out) * g.channels * taps) {
        unsigned k = i % taps, column = i / taps, c = column % g.channels;
        Place p = place_of(column / g.channels, g.out, 1);
        int tap[3] = {(int)k / g.kernel[2] / g.kernel[1], (int)k / g.kernel[2] % g.kernel[1],
                      (int)k % g.kernel[2]};
        int at[3];
        bool inside = true;
        for (int a = 0; a < 3; a++) {
            at[a] = (int)p.at[a] * g.stride[a] + tap[a] * g.dilation[a] - g.pad[a];
            inside = inside && at[a] >= 0 && at[a] < g.size[a];
        }
        unsigned image = p.n * plane(g.size);
        y[i] = inside ? x[(image + flat(at, g.size)) * g.channels + c] : stored(0);
    }
}

// Which position in the kernel brings output t to place `at`, -1 for none.
__device__ inline int tap_of(const Window& g, int a, int t, int at) {
    int offset = at + g.pad[a] - t * g.stride[a];
    return offset % g.dilation[a] ? -1 : offset / g.dilation[a];
}

// dx[n, s t + d k - p, c] = sum of dy[(n, t), (c, k)]
extern "C" __global__ void col2im(const Real* dy, Real* dx, Window g) {
    int taps = plane(g.kernel);
    FOR_EACH(i, inputs(g)) {
        Place p = place_of(i, g.size, g.channels);
        Acc sum = 0;
        over_input(g, p, [&](int t, const int* at) {
            int tap[3];
            for (int a = 0; a < 3; a++) {
                tap[a] = tap_of(g, a, at[a], p.at[a]);
                if (tap[a] < 0) return;
            }
            unsigned row = p.n * plane(g.out) + t;
            sum += widen(dy[(row * g.channels + p.c) * taps + flat(tap, g.kernel)]);
        });
        dx[i] = stored(sum);
    }
}
