// Several arrays of one size into one.

// y = sum of c x, with a ReLU of that slope where `bend`
extern "C" __global__ void weighted_sum(Terms xs, Real* y, int n, int bend, Acc slope) {
    auto finish = [=](Acc sum) { return bend ? bend_by(sum, slope) : sum; };
    if (xs.count == 2) {  // a residual connection: in packs
        Acc a = xs.c[0], b = xs.c[1];
        map(n, y, [=](Acc x0, Acc x1) { return finish(a * x0 + b * x1); }, xs.x[0], xs.x[1]);
        return;
    }
    FOR_EACH(i, n) {
        Acc sum = 0;
        for (int t = 0; t < xs.count; t++) sum += Acc(xs.c[t]) * widen(xs.x[t][i]);
        y[i] = stored(finish(sum));
    }
}

// y = product of x; its gradient is the product of dy and the other x
extern "C" __global__ void product(Terms xs, Real* y, int n) {
    FOR_EACH(i, n) {
        Acc product = 1;
        for (int t = 0; t < xs.count; t++) product *= widen(xs.x[t][i]);
        y[i] = stored(product);
    }
}

// y = max x, which = the index of the one that gets the gradient: the second of the first two where
// they are equal, a later one only where it is greater.
extern "C" __global__ void maximum(Terms xs, Real* y, unsigned char* which, int n) {
    FOR_EACH(i, n) {
        Acc best = widen(xs.x[0][i]);
        int index = 0;
        for (int t = 1; t < xs.count; t++) {
            Acc other = widen(xs.x[t][i]);
            if (t == 1 ? !(best > other) : other > best) {
                best = other;
                index = t;
            }
        }
        y[i] = stored(best);
        if (which) which[i] = index;
    }
}

// dx = dy where `index` was the maximum, else 0
extern "C" __global__ void maximum_grad(const Real* dy, const unsigned char* which, Real* dx, int n,
                                        int index) {
    FOR_EACH(i, n) dx[i] = which[i] == index ? dy[i] : stored(0);
}
