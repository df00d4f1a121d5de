// Local response normalization of channels-last arrays.

// x^-beta of positive x
__device__ inline Acc inverse_power(Acc x, Acc beta) {
    if (beta != Acc(0.75)) return pow(x, -beta);
    Acc root = rsqrt(x);
    return root * sqrt(root);
}

// scale = k + alpha/size sum of x^2 over `size` channels around,  y = x scale^-beta
extern "C" __global__ void lrn(const Real* x, Real* y, Acc* scale, int n, int channels, int size,
                               Acc alpha, Acc beta, Acc k) {
    FOR_EACH(i, n) {
        int c = i % channels, half = size / 2;
        int first = c < half ? 0 : c - half, last = c + half < channels ? c + half : channels - 1;
        Acc energy = 0;
        for (int j = first; j <= last; j++) {
            Acc value = widen(x[i - c + j]);
            energy += value * value;
        }
        Acc s = k + alpha / size * energy;
        y[i] = stored(widen(x[i]) * inverse_power(s, beta));
        if (scale) scale[i] = s;
    }
}

// dx = dy scale^-beta - 2 alpha beta/size x sum of (dy y / scale)
extern "C" __global__ void lrn_grad(const Real* dy, const Real* x, const Acc* scale, Real* dx,
                                    int n, int channels, int size, Acc alpha, Acc beta) {
    FOR_EACH(i, n) {
        int c = i % channels, half = size / 2;
        int first = c < half ? 0 : c - half, last = c + half < channels ? c + half : channels - 1;
        Acc share = 0;
        for (int j = first; j <= last; j++) {
            unsigned at = i - c + j;
            Acc s = scale[at];
            share += widen(dy[at]) * widen(x[at]) * inverse_power(s, beta) / s;
        }
        Acc own = widen(dy[i]) * inverse_power(scale[i], beta);
        dx[i] = stored(own - 2 * alpha * beta / size * widen(x[i]) * share);
    }
}

// scale = 1 + alpha mean of x^2 under the window,  y = x scale^-beta
extern "C" __global__ void lrn_within(const Real* x, Real* y, Acc* scale, Window g, Acc alpha,
                                      Acc beta) {
    FOR_EACH(i, inputs(g)) {
        Place p = place_of(i, g.size, g.channels);
        const Real* image = x + p.n * plane(g.size) * g.channels + p.c;
        Acc energy = 0;
        under_window(g, p, [&](int at) {
            Acc value = widen(image[at * g.channels]);
            energy += value * value;
        });
        Acc s = 1 + alpha * (energy / area(g, p));
        y[i] = stored(widen(x[i]) * inverse_power(s, beta));
        if (scale) scale[i] = s;
    }
}

// dx = dy scale^-beta - 2 alpha beta x sum of (dy y / scale / area)
extern "C" __global__ void lrn_within_grad(const Real* dy, const Real* x, const Acc* scale,
                                           Real* dx, Window g, Acc alpha, Acc beta) {
    FOR_EACH(i, inputs(g)) {
        Place p = place_of(i, g.size, g.channels);
        unsigned start = p.n * plane(g.size) * g.channels + p.c;
        Acc share = 0;
        over_input(g, p, [&](int t, const int* at) {
            unsigned j = start + t * g.channels;
            Acc y_s = widen(x[j]) * inverse_power(scale[j], beta) / scale[j];
            share += widen(dy[j]) * y_s / area(g, at);
        });
        Acc own = widen(dy[i]) * inverse_power(scale[i], beta);
        dx[i] = stored(own - 2 * alpha * beta * widen(x[i]) * share);
    }
}
