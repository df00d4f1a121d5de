// Between storage types.

extern "C" __global__ void to_acc(const Real* x, Acc* y, int n, Acc factor) {
    FOR_EACH(i, n) y[i] = factor * widen(x[i]);
}

extern "C" __global__ void from_acc(const Acc* x, Real* y, int n, Acc factor) {
    FOR_EACH(i, n) y[i] = stored(factor * x[i]);
}

// y += factor x: a gradient of the storage type into a parameter's
extern "C" __global__ void accumulate(const Real* x, Acc* y, int n, Acc factor) {
    FOR_EACH(i, n) y[i] += factor * widen(x[i]);
}

template <class From, class To> __device__ inline void convert(const From* x, To* y, int n) {
    FOR_EACH(i, n) y[i] = narrow(widen(x[i]), As<To>());
}

extern "C" __global__ void f32_to_f16(const float* x, Half* y, int n) { convert(x, y, n); }

extern "C" __global__ void f32_to_bf16(const float* x, Bfloat* y, int n) { convert(x, y, n); }

extern "C" __global__ void f16_to_f32(const Half* x, float* y, int n) { convert(x, y, n); }

extern "C" __global__ void bf16_to_f32(const Bfloat* x, float* y, int n) { convert(x, y, n); }

extern "C" __global__ void f16_to_bf16(const Half* x, Bfloat* y, int n) { convert(x, y, n); }

extern "C" __global__ void bf16_to_f16(const Bfloat* x, Half* y, int n) { convert(x, y, n); }
