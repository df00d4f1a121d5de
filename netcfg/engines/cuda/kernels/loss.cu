// Losses: a value and a weight for each item, their total, and gradients that read it there.

const Acc TINY = Acc(1.1754943508222875e-38);  // least probability under a logarithm

// Index of a label and its weight: 0 where ignored, NaN where out of range, which reaches the loss.
__device__ inline int class_of(Acc label, int K, int has_ignore, int ignore, Acc& weight) {
    Acc whole = trunc(label);
    bool ignored = has_ignore && whole == Acc(ignore);
    bool inside = whole >= 0 && whole < Acc(K) && !ignored;
    weight = inside ? Acc(1) : ignored ? Acc(0) : infinity() - infinity();
    return inside ? int(whole) : 0;
}

// p = softmax of x, loss = -weight sum of target log p, of each row. The target is `hit` at the
// label and `miss` elsewhere; class weights multiply the loss, and where `counted` the weight too.
extern "C" __global__ void softmax_loss(const Real* x, const Acc* label, const Acc* class_weight,
                                        Real* p, Acc* loss, Acc* weight, int rows, int K, int inner,
                                        int width, int has_ignore, int ignore, Acc hit, Acc miss,
                                        int counted) {
    Share share = share_of(rows, K, width);
    unsigned start = share.row / inner * K * inner + share.row % inner;
    Acc own;
    int index = class_of(label[share.row], K, has_ignore, ignore, own);
    Acc sum = 0;
    softmax_of(x + start, share, inner, width, [&](int k, Acc value) {
        p[start + k * inner] = stored(value);
        Acc target = k == index ? hit : miss;
        if (target != 0) sum += target * log(value < TINY ? TINY : value);
    });
    sum = row_sum(sum, width);
    if (share.lane || !share.count) return;
    Acc by_class = class_weight ? own * class_weight[index] : own;
    loss[share.row] = -by_class * sum;
    weight[share.row] = counted ? by_class : own;
}

// dx = (p - target) weight dloss / n
extern "C" __global__ void softmax_loss_grad(const Real* p, const Acc* label,
                                             const Acc* class_weight, Real* dx, int rows, int K,
                                             int inner, int has_ignore, int ignore, Acc hit,
                                             Acc miss, const Acc* dloss, const Acc* total) {
    Acc factor = *dloss / total[1];
    FOR_EACH(i, rows * K) {
        int k = i / inner % K;
        unsigned row = i / (K * inner) * inner + i % inner;
        Acc weight;
        int index = class_of(label[row], K, has_ignore, ignore, weight);
        if (class_weight) weight *= class_weight[index];
        dx[i] = stored((widen(p[i]) - (k == index ? hit : miss)) * weight * factor);
    }
}

// Write the block's sums of what f(i) returns: a loss and a weight.
template <class F> __device__ inline void sum_blocks(int n, Acc* loss, Acc* weight, F f) {
    double losses = 0, weights = 0;
    FOR_EACH(i, n) {
        Two value = f(i);
        losses += value.a;
        weights += value.b;
    }
    losses = block_sum(losses);
    weights = block_sum(weights);
    if (threadIdx.x) return;
    loss[blockIdx.x] = losses;
    if (weight) weight[blockIdx.x] = weights;
}

__device__ inline Acc counts(Acc target, int has_ignore, int ignore) {
    return has_ignore && trunc(target) == Acc(ignore) ? Acc(0) : Acc(1);
}

// loss = sum of max(x, 0) - x t + log(1 + exp(-|x|)), weight = how many count, of each block
extern "C" __global__ void sigmoid_loss(const Real* x, const Acc* t, Acc* loss, Acc* weight, int n,
                                        int has_ignore, int ignore) {
    sum_blocks(n, loss, weight, [=](unsigned i) {
        Acc value = widen(x[i]), own = counts(t[i], has_ignore, ignore);
        Acc each = (value < 0 ? Acc(0) : value) - value * t[i] + log1p(exp(-fabs(value)));
        return Two{each * own, own};
    });
}

// dx = (1 / (1 + exp(-x)) - t) dloss / n where the target counts
extern "C" __global__ void sigmoid_loss_grad(const Real* x, const Acc* t, Real* dx, int n,
                                             int has_ignore, int ignore, const Acc* dloss,
                                             const Acc* total) {
    Acc factor = *dloss / total[1];
    FOR_EACH(i, n) {
        Acc slope = logistic(widen(x[i])) - t[i];
        dx[i] = stored(slope * counts(t[i], has_ignore, ignore) * factor);
    }
}

// loss = sum of (a - b)^2 / 2 of each block, diff = a - b
extern "C" __global__ void euclidean_loss(const Real* a, const Real* b, Real* diff, Acc* loss,
                                          int n) {
    sum_blocks(n, loss, (Acc*)0, [=](unsigned i) {
        Acc d = widen(a[i]) - widen(b[i]);
        diff[i] = stored(d);
        return Two{d * d / 2, 0};
    });
}

// total = sum of losses / count, count: that is `fixed`, or at least 1 and the sum of weights where
// `fixed` is 0
extern "C" __global__ void loss_total(const Acc* loss, const Acc* weight, Acc* total, int n,
                                      Acc fixed) {
    double losses = 0, weights = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        losses += loss[i];
        if (weight) weights += weight[i];
    }
    losses = block_sum(losses);
    weights = block_sum(weights);
    if (threadIdx.x) return;
    double count = fixed != 0 ? double(fixed) : weights < 1 ? 1 : weights;
    total[0] = losses / count;
    total[1] = count;
}

// dx = x factor dloss / count
extern "C" __global__ void loss_scaled(const Real* x, Real* dx, int n, Acc factor, const Acc* dloss,
                                       const Acc* total) {
    Acc slope = factor * *dloss / (total ? total[1] : Acc(1));
    map(n, dx, [=](Acc x) { return x * slope; }, x);
}
