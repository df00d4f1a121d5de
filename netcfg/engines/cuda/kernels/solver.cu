// Updates of flat parameters: clip, regularise, apply, in one pass.
//
// A block has one chunk, a piece of one parameter; tables say where it starts, how long it is, and
// the parameter's multipliers. What changes from step to step is read from device memory, so that a
// graph of a step can be launched again.

const int LEAVE = 0, LOST = 1, CLEAR = 2;

// What every rule is given.
struct Update {
    Acc *w, *g, *h0, *h1;  // weights, gradients and up to two histories
    Real* copy;            // gets the weights as they are stored, if there
    const long long* start;
    const int* length;
    const Acc *lr_mult, *decay_mult;
    const Acc* rate;
    const long long* t;  // counts updates from 1
    const Acc* factor;   // on gradients, 1 where null
    const int* skip;     // if there: whether to do nothing
    double weight_decay;
    int l1, leave;
};

// Call rule(i, g, rate), which returns what w[i] loses, on the chunk of this block, with g clipped
// and regularised.
template <class F> __device__ inline void update(const Update& u, F rule) {
    long long start = u.start[blockIdx.x];
    int length = u.length[blockIdx.x];
    Acc rate = *u.rate * u.lr_mult[blockIdx.x];
    Acc decay = Acc(u.weight_decay) * u.decay_mult[blockIdx.x];
    Acc factor = u.factor ? *u.factor : Acc(1);
    bool still = (u.skip && *u.skip) || u.lr_mult[blockIdx.x] == 0;
    for (int k = threadIdx.x; k < length; k += blockDim.x) {
        long long i = start + k;
        Acc lost = 0;
        if (!still) {
            Acc old = u.w[i], penalty = u.l1 ? Acc(old > 0) - Acc(old < 0) : old;
            lost = rule(i, factor * u.g[i] + decay * penalty, rate);
            u.w[i] = old - lost;
            if (u.copy) u.copy[i] = stored(old - lost);
        }
        if (u.leave == CLEAR) u.g[i] = 0;
        if (u.leave == LOST && !still) u.g[i] = lost;
    }
}

// v ← momentum v + rate g,  w ← w - v
extern "C" __global__ void sgd(Update u, Acc momentum) {
    update(u, [=](long long i, Acc g, Acc rate) {
        return u.h0[i] = momentum * u.h0[i] + rate * g;
    });
}

// v' ← momentum v + rate g,  w ← w - (1 + momentum) v' + momentum v
extern "C" __global__ void nesterov(Update u, Acc momentum) {
    update(u, [=](long long i, Acc g, Acc rate) {
        Acc old = momentum * u.h0[i], next = old + rate * g;
        u.h0[i] = next;
        return (1 + momentum) * next - old;
    });
}

// h ← h + g^2,  w ← w - rate g / (sqrt(h) + delta)
extern "C" __global__ void adagrad(Update u, Acc delta) {
    update(u, [=](long long i, Acc g, Acc rate) {
        Acc squares = u.h0[i] += g * g;
        return rate * g / (sqrt(squares) + delta);
    });
}

// h ← decay h + (1 - decay) g^2,  w ← w - rate g / (sqrt(h) + delta)
extern "C" __global__ void rmsprop(Update u, Acc decay, Acc delta) {
    update(u, [=](long long i, Acc g, Acc rate) {
        Acc squares = u.h0[i] = decay * u.h0[i] + (1 - decay) * g * g;
        return rate * g / (sqrt(squares) + delta);
    });
}

// h ← momentum h + (1 - momentum) g^2,  s = g sqrt((u + delta) / (h + delta)),
// u ← momentum u + (1 - momentum) s^2,  w ← w - rate s
extern "C" __global__ void adadelta(Update u, Acc momentum, Acc delta) {
    update(u, [=](long long i, Acc g, Acc rate) {
        Acc squares = u.h0[i] = momentum * u.h0[i] + (1 - momentum) * g * g;
        Acc step = g * sqrt((u.h1[i] + delta) / (squares + delta));
        u.h1[i] = momentum * u.h1[i] + (1 - momentum) * step * step;
        return rate * step;
    });
}

// m ← momentum m + (1 - momentum) g,  v ← momentum2 v + (1 - momentum2) g^2,
// w ← w - rate sqrt(1 - momentum2^t) / (1 - momentum^t) m / (sqrt(v) + delta)
extern "C" __global__ void adam(Update u, Acc momentum, Acc momentum2, Acc delta) {
    __shared__ Acc correction;
    if (threadIdx.x == 0) {
        double first = pow(double(momentum), double(*u.t));
        double second = pow(double(momentum2), double(*u.t));
        correction = sqrt(1 - second) / (1 - first);
    }
    __syncthreads();
    update(u, [=](long long i, Acc g, Acc rate) {
        Acc mean = u.h0[i] = momentum * u.h0[i] + (1 - momentum) * g;
        Acc squares = u.h1[i] = momentum2 * u.h1[i] + (1 - momentum2) * g * g;
        return rate * correction * mean / (sqrt(squares) + delta);
    });
}

// Norm of the gradients ---------------------------------------------------------------------------

// Sum of squares of each chunk, 0 where the parameter does not learn
extern "C" __global__ void square_sums(const Acc* g, const long long* start, const int* length,
                                       const Acc* lr_mult, double* partial) {
    double sum = 0;
    if (lr_mult[blockIdx.x] != 0)
        for (int k = threadIdx.x; k < length[blockIdx.x]; k += blockDim.x) {
            double value = g[start[blockIdx.x] + k];
            sum += value * value;
        }
    sum = block_sum(sum);
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

// factor = min(1, clip / norm) / divisor / loss scale, the norm of unscaled gradients; no clipping
// where clip < 0. With a loss scale a norm that is not finite sets `skip` and halves the scale;
// `interval` steps in a row without one double it. One block.
extern "C" __global__ void gradient_factor(const double* partial, int chunks, Acc clip, Acc divisor,
                                           Acc* loss_scale, int* good, int interval, Acc* factor,
                                           int* skip) {
    double sum = 0;
    for (int k = threadIdx.x; k < chunks; k += blockDim.x) sum += partial[k];
    sum = block_sum(sum);
    if (threadIdx.x) return;
    double scale = loss_scale ? double(*loss_scale) : 1, norm = sqrt(sum) / scale;
    *factor = (clip >= 0 && norm > clip ? clip / norm : 1) / divisor / scale;
    if (skip) *skip = 0;
    if (!loss_scale) return;
    bool finite = sum - sum == 0;
    *skip = !finite;
    *good = finite ? *good + 1 : 0;
    if (!finite) *loss_scale = scale > 2 ? scale / 2 : 1;
    if (finite && *good >= interval) {
        *loss_scale = scale * 2;
        *good = 0;
    }
}
