// One step of N sequences with D cells each; the gates i, f, o, g lie side by side, (N, 4D).

struct Gates { Acc i, f, o, g; };

__device__ inline Gates gates_of(const Real* x, const Real* add, unsigned n, unsigned d, int D) {
    Acc z[4];
    for (int k = 0; k < 4; k++) {
        unsigned at = (n * 4 + k) * D + d;
        z[k] = widen(x[at]) + (add ? widen(add[at]) : Acc(0));
    }
    return {logistic(z[0]), logistic(z[1]), logistic(z[2]), tanh(z[3])};
}

// c = f cont c_prev + i g,  h = o tanh(c),  carried = cont_next h
extern "C" __global__ void lstm_unit(const Real* c_prev, const Real* x, const Real* add,
                                     const Acc* cont, Real* c, Real* h, Real* carried,
                                     const Acc* cont_next, int N, int D) {
    FOR_EACH(k, N * D) {
        unsigned n = k / D, d = k % D;
        Gates gate = gates_of(x, add, n, d, D);
        Acc cell = gate.f * cont[n] * widen(c_prev[k]) + gate.i * gate.g;
        Acc out = gate.o * tanh(cell);
        c[k] = stored(cell);
        h[k] = stored(out);
        if (carried) carried[k] = stored(cont_next[n] * out);
    }
}

// With s = dh + cont_next more, `more` from the step after, and e = dc + s o (1 - tanh(c)^2):
// dc_prev = e f cont,  di' = e g i (1 - i),  df' = e cont c_prev f (1 - f),
// do' = s tanh(c) o (1 - o),  dg' = e i (1 - g^2)
extern "C" __global__ void lstm_unit_grad(const Real* c_prev, const Real* x, const Real* add,
                                          const Acc* cont, const Real* dc, const Real* dh,
                                          const Real* more, const Acc* cont_next,
                                          Real* dc_prev, Real* dx, int N, int D) {
    FOR_EACH(k, N * D) {
        unsigned n = k / D, d = k % D, at = n * 4 * D + d;
        Gates gate = gates_of(x, add, n, d, D);
        Acc past = cont[n] * widen(c_prev[k]);
        Acc squashed = tanh(gate.f * past + gate.i * gate.g);
        Acc slope = dh ? widen(dh[k]) : Acc(0);
        if (more) slope += cont_next[n] * widen(more[k]);
        Acc e = (dc ? widen(dc[k]) : Acc(0)) + slope * gate.o * (1 - squashed * squashed);
        dc_prev[k] = stored(e * gate.f * cont[n]);
        dx[at] = stored(e * gate.g * gate.i * (1 - gate.i));
        dx[at + D] = stored(e * past * gate.f * (1 - gate.f));
        dx[at + 2 * D] = stored(slope * squashed * gate.o * (1 - gate.o));
        dx[at + 3 * D] = stored(e * gate.i * (1 - gate.g * gate.g));
    }
}

// h = tanh(x + add),  carried = cont_next h
extern "C" __global__ void rnn_unit(const Real* x, const Real* add, Real* h, Real* carried,
                                    const Acc* cont_next, int N, int D) {
    FOR_EACH(k, N * D) {
        Acc out = tanh(widen(x[k]) + (add ? widen(add[k]) : Acc(0)));
        h[k] = stored(out);
        if (carried) carried[k] = stored(cont_next[k / D] * out);
    }
}

// dx = (dh + cont_next more) (1 - h^2), with `more` from the step after
extern "C" __global__ void rnn_unit_grad(const Real* dh, const Real* more, const Acc* cont_next,
                                         const Real* h, Real* dx, int N, int D) {
    FOR_EACH(k, N * D) {
        Acc out = widen(h[k]), slope = widen(dh[k]);
        if (more) slope += cont_next[k / D] * widen(more[k]);
        dx[k] = stored(slope * (1 - out * out));
    }
}
