// Random numbers: Philox 4x64-10 (Salmon and others, 2011) as NumPy's generator makes them, so that
// a mask drawn here is the one that the CPU draws for the same seed, layer and pass.

// The four words of one counter.
__device__ inline void philox(unsigned long long* c, unsigned long long k0, unsigned long long k1) {
    for (int round = 0; round < 10; round++) {
        unsigned long long low0 = 0xD2E7470EE14C6C93ull * c[0];
        unsigned long long low1 = 0xCA5A826395121157ull * c[2];
        unsigned long long high0 = __umul64hi(0xD2E7470EE14C6C93ull, c[0]);
        unsigned long long high1 = __umul64hi(0xCA5A826395121157ull, c[2]);
        c[0] = high1 ^ c[1] ^ k0;
        c[1] = low1;
        c[2] = high0 ^ c[3] ^ k1;
        c[3] = low0;
        k0 += 0x9E3779B97F4A7C15ull;
        k1 += 0xBB67AE8584CAA73Bull;
    }
}

// Numbers 8 block, 8 block + 1, ... of the float32 in [0, 1) of a generator with this key and the
// counter (0, 0, step, stream). It counts up before it draws; each word gives its lower half first.
__device__ inline void draw(float* u, unsigned block, unsigned long long step,
                            unsigned long long stream, unsigned long long seed,
                            unsigned long long name) {
    unsigned long long words[4] = {block + 1ull, 0, step, stream};
    philox(words, seed, name);
    for (int i = 0; i < 8; i++)
        u[i] = (unsigned)((words[i / 2] >> (i % 2 * 32)) & 0xffffffffu) >> 8;
    for (int i = 0; i < 8; i++) u[i] *= 1.0f / 16777216;
}

__device__ inline Acc drop(Acc x, float u, Acc ratio, Acc scale) {
    return x * Acc(u >= (float)ratio) * scale;
}

// y = x m scale, m = 0 with probability ratio, else 1, drawn in the order of memory. With dy for x
// this is the gradient: the mask is drawn again.
extern "C" __global__ void dropout(const Real* x, Real* y, int n, Acc ratio, Acc scale,
                                   unsigned long long seed, unsigned long long name,
                                   const unsigned long long* step) {
    bool packed = aligned(x) && aligned(y);
    FOR_EACH(block, (n + 7u) / 8) {
        float u[8];
        draw(u, block, *step, 0, seed, name);
        unsigned start = block * 8;
        if (packed && start + 8 <= (unsigned)n) {
#pragma unroll
            for (int p = 0; p < 8; p += PACK) {
                Vec<PACK> values = load<PACK>(x + start + p);
#pragma unroll
                for (int j = 0; j < PACK; j++)
                    values.v[j] = stored(drop(widen(values.v[j]), u[p + j], ratio, scale));
                store(y + start + p, values);
            }
        } else {
            for (unsigned i = start; i < start + 8 && i < (unsigned)n; i++)
                y[i] = stored(drop(widen(x[i]), u[i - start], ratio, scale));
        }
    }
}

// The same on channels-last memory: numbers are drawn in the order N, C, *S. A thread takes what of
// a block of eight lies in its channel's plane; neighbouring threads have neighbouring channels.
extern "C" __global__ void dropout_last(const Real* x, Real* y, int N, int C, int S, Acc ratio,
                                        Acc scale, unsigned long long seed, unsigned long long name,
                                        const unsigned long long* step) {
    unsigned blocks = (S + 7u) / 8 + 1;
    FOR_EACH(i, N * C * blocks) {
        unsigned c = i % C, j = i / C % blocks, n = i / C / blocks;
        unsigned first = (n * C + c) * S, start = (first / 8 + j) * 8;
        if (start >= first + S) continue;
        float u[8];
        draw(u, start / 8, *step, 0, seed, name);
#pragma unroll
        for (int k = 0; k < 8; k++) {
            unsigned s = start + k - first;  // wraps to something large before the plane
            if (s >= (unsigned)S) continue;
            unsigned at = (n * S + s) * C + c;
            y[at] = stored(drop(widen(x[at]), u[k], ratio, scale));
        }
    }
}

// mask = 0 with probability ratio, else 1
extern "C" __global__ void keep_mask(unsigned char* mask, int n, Acc ratio, unsigned long long seed,
                                     unsigned long long name, const unsigned long long* step) {
    FOR_EACH(block, (n + 7u) / 8) {
        float u[8];
        draw(u, block, *step, 0, seed, name);
        for (unsigned i = block * 8; i < block * 8 + 8 && i < (unsigned)n; i++)
            mask[i] = u[i % 8] >= (float)ratio;
    }
}

// y = x mask scale: one mask for each block of elements and each channel, the fastest axis
extern "C" __global__ void dropout_by(const Real* x, const unsigned char* mask, Real* y, int n,
                                      int block, int channels, Acc scale) {
    FOR_EACH(i, n) {
        unsigned at = i / block * channels + i % channels;
        y[i] = stored(widen(x[i]) * mask[at] * scale);
    }
}

// float32 in [0, 1)
extern "C" __global__ void uniforms(float* u, int n, unsigned long long seed,
                                    unsigned long long name, const unsigned long long* step) {
    FOR_EACH(block, (n + 7u) / 8) {
        float drawn[8];
        draw(drawn, block, *step, 0, seed, name);
        for (unsigned i = block * 8; i < block * 8 + 8 && i < (unsigned)n; i++) u[i] = drawn[i % 8];
    }
}

// taken = the number of this pass, step = that of the next one
extern "C" __global__ void advance(unsigned long long* step, unsigned long long* taken) {
    *taken = *step;
    *step += 1;
}

// Fillers: a stream of their own ------------------------------------------------------------------

const unsigned long long FILLERS = 4;

extern "C" __global__ void fill(Acc* y, int n, Acc value) {
    FOR_EACH(i, n) y[i] = value;
}

// Uniform in [low, high)
extern "C" __global__ void fill_uniform(Acc* y, int n, Acc low, Acc high, unsigned long long seed,
                                        unsigned long long name) {
    FOR_EACH(block, (n + 7u) / 8) {
        float u[8];
        draw(u, block, 0, FILLERS, seed, name);
        for (unsigned i = block * 8; i < block * 8 + 8 && i < (unsigned)n; i++)
            y[i] = low + (high - low) * Acc(u[i % 8]);
    }
}

// Normal, two from each two uniform numbers (Box and Muller, 1958)
extern "C" __global__ void fill_normal(Acc* y, int n, Acc mean, Acc std, unsigned long long seed,
                                       unsigned long long name) {
    FOR_EACH(block, (n + 7u) / 8) {
        float u[8];
        draw(u, block, 0, FILLERS, seed, name);
        for (unsigned i = block * 8; i < block * 8 + 8 && i < (unsigned)n; i++) {
            unsigned pair = i % 8 / 2 * 2;
            Acc radius = sqrt(-2 * log(1 - Acc(u[pair])));
            Acc angle = Acc(6.283185307179586) * Acc(u[pair + 1]);
            y[i] = mean + std * radius * (i % 2 ? sin(angle) : cos(angle));
        }
    }
}
