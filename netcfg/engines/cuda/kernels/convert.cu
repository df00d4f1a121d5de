// Between storage types.

extern "C" __global__ void to_acc(const Real* x, Acc* y, int n, Acc factor) {
    FOR_EACH(i, n) y[i] = factor * widen(x[i]);
}

extern "C" __global__ void from_acc(const Acc* x, Real* y, int n, Acc factor) {
    FOR_EACH(i, n) y[i] = stored(factor * x[i]);
}
