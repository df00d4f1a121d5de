// Functions of one array, element by element; y, dx and what they are made of have one layout.

// y = x where x > 0, else slope x; x counts as cap at most
extern "C" __global__ void relu(const Real* x, Real* y, int n, Acc slope, Acc cap) {
    map(n, y, [=](Acc x) { return bend_by(x > cap ? cap : x, slope); }, x);
}

// dx = dy where x > 0, else slope dy; 0 from cap on. x may be y where slope >= 0.
extern "C" __global__ void relu_grad(const Real* dy, const Real* x, Real* dx, int n, Acc slope,
                                     Acc cap) {
    auto f = [=](Acc dy, Acc x) { return x > 0 ? (x < cap ? dy : Acc(0)) : slope * dy; };
    map(n, dx, f, dy, x);
}

extern "C" __global__ void sigmoid(const Real* x, Real* y, int n) {
    map(n, y, [](Acc x) { return logistic(x); }, x);
}

extern "C" __global__ void sigmoid_grad(const Real* dy, const Real* y, Real* dx, int n) {
    map(n, dx, [](Acc dy, Acc y) { return dy * y * (1 - y); }, dy, y);
}

extern "C" __global__ void tanh_x(const Real* x, Real* y, int n) {
    map(n, y, [](Acc x) { return tanh(x); }, x);
}

extern "C" __global__ void tanh_grad(const Real* dy, const Real* y, Real* dx, int n) {
    map(n, dx, [](Acc dy, Acc y) { return dy * (1 - y * y); }, dy, y);
}

// y = x where x > 0, else alpha (exp x - 1)
extern "C" __global__ void elu(const Real* x, Real* y, int n, Acc alpha) {
    map(n, y, [=](Acc x) { return x > 0 ? x : alpha * expm1(x); }, x);
}

// dx = dy where x > 0, else alpha exp(x) dy
extern "C" __global__ void elu_grad(const Real* dy, const Real* x, Real* dx, int n, Acc alpha) {
    map(n, dx, [=](Acc dy, Acc x) { return x > 0 ? dy : alpha * exp(x) * dy; }, dy, x);
}

// y = x s, s = 1 / (1 + exp(-beta x))
extern "C" __global__ void swish(const Real* x, Real* y, int n, Acc beta) {
    map(n, y, [=](Acc x) { return x * logistic(beta * x); }, x);
}

// dx = dy s (1 + beta x (1 - s))
extern "C" __global__ void swish_grad(const Real* dy, const Real* x, Real* dx, int n, Acc beta) {
    auto f = [=](Acc dy, Acc x) {
        Acc s = logistic(beta * x);
        return dy * s * (1 + beta * x * (1 - s));
    };
    map(n, dx, f, dy, x);
}

const Acc GELU_CUBE = Acc(0.044715);            // weight of x^3 in the approximation by tanh
const Acc SQRT_2_PI = Acc(0.7978845608028654);  // sqrt(2 / pi)
const Acc SQRT_HALF = Acc(0.7071067811865476);

// Share of a standard normal distribution below x.
__device__ inline Acc normal_share(Acc x, bool approximate) {
    if (!approximate) return Acc(0.5) * erfc(-x * SQRT_HALF);
    return Acc(0.5) * (1 + tanh(SQRT_2_PI * x * (1 + GELU_CUBE * x * x)));
}

// y = x share(x)
extern "C" __global__ void gelu(const Real* x, Real* y, int n, int approximate) {
    map(n, y, [=](Acc x) { return x * normal_share(x, approximate); }, x);
}

// dx = dy (share(x) + x share'(x))
extern "C" __global__ void gelu_grad(const Real* dy, const Real* x, Real* dx, int n,
                                     int approximate) {
    auto f = [=](Acc dy, Acc x) {
        Acc share = normal_share(x, approximate);
        Acc density = approximate
            ? 2 * share * (1 - share) * SQRT_2_PI * (1 + 3 * GELU_CUBE * x * x)
            : Acc(0.5) * SQRT_2_PI * exp(Acc(-0.5) * x * x);
        return dy * (share + x * density);
    };
    map(n, dx, f, dy, x);
}

// y = x min(max(x + 3, 0), 6) / 6
extern "C" __global__ void hard_swish(const Real* x, Real* y, int n) {
    auto f = [](Acc x) {
        Acc gate = x * Acc(1.0 / 6) + Acc(0.5);
        return x * (gate < 0 ? Acc(0) : gate > 1 ? Acc(1) : gate);
    };
    map(n, y, f, x);
}

// dx = dy (2x + 3) / 6 where -3 < x < 3, dy above, 0 below
extern "C" __global__ void hard_swish_grad(const Real* dy, const Real* x, Real* dx, int n) {
    auto f = [](Acc dy, Acc x) {
        bool inside = x > -3 && x < 3;
        return dy * (inside ? x * Acc(1.0 / 3) + Acc(0.5) : Acc(x >= 3));
    };
    map(n, dx, f, dy, x);
}

// y = log(1 + exp x)
extern "C" __global__ void bnll(const Real* x, Real* y, int n) {
    map(n, y, [](Acc x) { return (x < 0 ? Acc(0) : x) + log1p(exp(-fabs(x))); }, x);
}

extern "C" __global__ void bnll_grad(const Real* dy, const Real* x, Real* dx, int n) {
    map(n, dx, [](Acc dy, Acc x) { return dy * logistic(x); }, dy, x);
}

extern "C" __global__ void abs_x(const Real* x, Real* y, int n) {
    map(n, y, [](Acc x) { return fabs(x); }, x);
}

// dx = dy sign x, 0 at 0
extern "C" __global__ void abs_grad(const Real* dy, const Real* x, Real* dx, int n) {
    map(n, dx, [](Acc dy, Acc x) { return dy * (Acc(x > 0) - Acc(x < 0)); }, dy, x);
}

// y = min(max(x, low), high)
extern "C" __global__ void clip(const Real* x, Real* y, int n, Acc low, Acc high) {
    map(n, y, [=](Acc x) { return x < low ? low : x > high ? high : x; }, x);
}

// dx = dy where low <= x <= high, else 0
extern "C" __global__ void clip_grad(const Real* dy, const Real* x, Real* dx, int n, Acc low,
                                     Acc high) {
    map(n, dx, [=](Acc dy, Acc x) { return x >= low && x <= high ? dy : Acc(0); }, dy, x);
}

// y = 1 where x > threshold, else 0
extern "C" __global__ void threshold(const Real* x, Real* y, int n, Acc threshold) {
    map(n, y, [=](Acc x) { return Acc(x > threshold); }, x);
}

// x to a power; products where they do.
__device__ inline Acc to_power(Acc x, Acc power) {
    if (power == 0) return 1;
    if (power == 1) return x;
    return power == 2 ? x * x : pow(x, power);
}

// y = (shift + scale x)^power; shift^power where scale is 0
extern "C" __global__ void power(const Real* x, Real* y, int n, Acc power, Acc scale, Acc shift) {
    auto f = [=](Acc x) {
        return scale == 0 ? to_power(shift, power) : to_power(scale * x + shift, power);
    };
    map(n, y, f, x);
}

// dx = dy power scale (shift + scale x)^(power - 1)
extern "C" __global__ void power_grad(const Real* dy, const Real* x, Real* dx, int n, Acc power,
                                      Acc scale, Acc shift) {
    Acc slope = power * scale;
    auto f = [=](Acc dy, Acc x) {
        return slope == 0 ? Acc(0) : dy * slope * to_power(scale * x + shift, power - 1);
    };
    map(n, dx, f, dy, x);
}

// y = exp(scale x + shift), with the logarithm of the base in scale and shift
extern "C" __global__ void exp_x(const Real* x, Real* y, int n, Acc scale, Acc shift) {
    map(n, y, [=](Acc x) { return exp(scale * x + shift); }, x);
}

extern "C" __global__ void exp_grad(const Real* dy, const Real* y, Real* dx, int n, Acc scale) {
    map(n, dx, [=](Acc dy, Acc y) { return dy * y * scale; }, dy, y);
}

// y = factor log(scale x + shift), factor = 1 / log base
extern "C" __global__ void log_x(const Real* x, Real* y, int n, Acc scale, Acc shift, Acc factor) {
    map(n, y, [=](Acc x) { return factor * log(scale * x + shift); }, x);
}

extern "C" __global__ void log_grad(const Real* dy, const Real* x, Real* dx, int n, Acc scale,
                                    Acc shift, Acc factor) {
    map(n, dx, [=](Acc dy, Acc x) { return dy / (scale * x + shift) * (scale * factor); }, dy, x);
}
