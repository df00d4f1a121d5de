// What all kernels share: number types, structures passed by value, loops and reductions.
//
// The kernels are compiled once for each storage type: REAL is float, double, Half or Bfloat.
// Nothing is included, so that a driver and NVRTC are all that is needed.

struct Half { unsigned short bits; };    // float16
struct Bfloat { unsigned short bits; };  // bfloat16

typedef REAL Real;

template <class T> struct Computed { typedef float type; };
template <> struct Computed<double> { typedef double type; };
typedef Computed<Real>::type Acc;  // what is computed with

__device__ inline Acc infinity() { return __uint_as_float(0x7f800000u); }

// Conversions -------------------------------------------------------------------------------------

template <class T> struct As { typedef T type; };  // names the wanted type in a call

__device__ inline float widen(float x) { return x; }
__device__ inline double widen(double x) { return x; }
__device__ inline float widen(Bfloat x) { return __uint_as_float((unsigned)x.bits << 16); }
__device__ inline float narrow(float x, As<float>) { return x; }
__device__ inline double narrow(double x, As<double>) { return x; }

#ifdef HOST_SHIM
__device__ inline float widen(Half x) { return half_to_float(x.bits); }
__device__ inline Half narrow(float x, As<Half>) { return Half{half_from_float(x)}; }
#else
__device__ inline float widen(Half x) {
    float y;
    asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
    return y;
}
__device__ inline Half narrow(float x, As<Half>) {
    Half y;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
    return y;
}
#endif

__device__ inline Bfloat narrow(float x, As<Bfloat>) {
    Bfloat y;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
#else
    unsigned bits = __float_as_uint(x);
    bool nan = x != x;  // adding to its fraction could make infinity of it
    y.bits = nan ? 0x7fff : (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;  // halves to even
#endif
    return y;
}

__device__ inline Real stored(Acc x) { return narrow(x, As<Real>()); }

// Structures by value -----------------------------------------------------------------------------

// Geometry of a window on channels-last (n, *size, channels), an entry for each of three axes.
struct Window {
    int n, channels;
    int size[3], out[3], kernel[3], stride[3], pad[3], dilation[3];
};

// Arrays of one size and their coefficients.
struct Terms {
    const Real* x[8];
    double c[8];
    int count;
};

// Axes of two arrays of one shape, the last fastest; strides in elements.
struct Strided {
    int axes;
    int shape[8];
    long long x[8], y[8];
};

struct Two { Acc a, b; };

// Loops -------------------------------------------------------------------------------------------

// Any grid covers all i < n; n is below 2^31.
#define FOR_EACH(i, n)                                                                \
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < (unsigned)(n);       \
         i += blockDim.x * gridDim.x)

const int PACK = 16 / sizeof(Real);  // as many as one load can move

template <int V, class T = Real> struct alignas(V * sizeof(T)) Vec { T v[V]; };

template <class T> __device__ inline bool aligned(const T* p) {
    return (unsigned long long)p % 16 == 0;
}

template <int V, class T> __device__ inline Vec<V, T> load(const T* p) {
    return *reinterpret_cast<const Vec<V, T>*>(p);
}

template <int V, class T> __device__ inline void store(T* p, const Vec<V, T>& values) {
    *reinterpret_cast<Vec<V, T>*>(p) = values;
}

template <class F, class... Packs>
__device__ inline Vec<PACK> pack_of(F f, const Packs&... xs) {
    Vec<PACK> y;
#pragma unroll
    for (int j = 0; j < PACK; j++) y.v[j] = stored(f(widen(xs.v[j])...));
    return y;
}

// y[i] = f(xs[i]...), in packs where all arrays allow it. y may be one of xs.
template <class F, class... X>
__device__ inline void map(unsigned n, Real* y, F f, const X*... xs) {
    unsigned packs = (aligned(y) && ... && aligned(xs)) ? n / PACK : 0, done = packs * PACK;
    FOR_EACH(i, packs) store(y + i * PACK, pack_of(f, load<PACK>(xs + i * PACK)...));
    FOR_EACH(i, n - done) y[done + i] = stored(f(widen(xs[done + i])...));
}

// Reductions --------------------------------------------------------------------------------------

// Sum over `width` neighbouring threads, a power of two up to 32; the whole warp takes part.
template <class T> __device__ inline T row_sum(T x, int width) {
    for (int step = width / 2; step > 0; step /= 2) x += __shfl_xor_sync(0xffffffffu, x, step);
    return x;
}

template <class T> __device__ inline T row_max(T x, int width) {
    for (int step = width / 2; step > 0; step /= 2) {
        T other = __shfl_xor_sync(0xffffffffu, x, step);
        x = other > x ? other : x;
    }
    return x;
}

// Sum over a block of whole warps, the same in all threads, added in the same order every time.
template <class T> __device__ inline T block_sum(T x) {
    __shared__ T parts[32];
    x = row_sum(x, 32);
    __syncthreads();  // parts may still be read from the last call
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = x;
    __syncthreads();
    T total = 0;
    for (unsigned w = 0; w < blockDim.x / 32; w++) total += parts[w];
    return total;
}

// Functions ---------------------------------------------------------------------------------------

// 1 / (1 + exp(-x)), which cannot overflow.
__device__ inline Acc logistic(Acc x) { return Acc(0.5) * tanh(Acc(0.5) * x) + Acc(0.5); }

__device__ inline Acc bend_by(Acc x, Acc slope) {
    if (x > 0 || x != x) return x;
    return slope == 0 ? Acc(0) : slope * x;  // not 0 · -inf
}
