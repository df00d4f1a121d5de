// Kernels on the CPU: what CUDA C++ has and C++ lacks, enough to run the kernels of this project.
//
// Each thread of a block is a fiber. They take turns, in rising or falling order, and change where
// they wait: __syncthreads waits for the block, a shuffle for the warp. A warp goes on as long as it
// can, so that a missing __syncthreads shows. A wait that cannot end aborts.
#pragma once
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#define HOST_SHIM
#define __device__
#define __global__
#define __shared__ static __attribute__((section("shared")))
extern "C" char __start_shared[], __stop_shared[];

struct Index3 { unsigned x, y, z; };
static Index3 threadIdx, blockIdx, blockDim, gridDim;

// Fibers ------------------------------------------------------------------------------------------

struct Gate { unsigned waiting = 0, alive = 0, passed = 0; };

struct Fiber {
    ucontext_t context;
    std::unique_ptr<char[]> stack{new char[1 << 16]};
    bool done;
    uint64_t slot;
};

static std::vector<Fiber> fibers;
static std::vector<Gate> warps;
static Gate block;
static ucontext_t scheduler;
static unsigned running;
static bool progress;
static std::function<void()> body;

static void give_way() { swapcontext(&fibers[running].context, &scheduler); }

static void open_if_all_wait(Gate& gate) {
    if (gate.waiting && gate.waiting == gate.alive) {
        gate.waiting = 0;
        gate.passed++;
        progress = true;
    }
}

static void wait_at(Gate& gate) {
    unsigned before = gate.passed;
    gate.waiting++;
    open_if_all_wait(gate);
    while (gate.passed == before) give_way();
}

static void run_fiber() {
    body();
    Gate& warp = warps[running / 32];
    fibers[running].done = progress = true;
    block.alive--;
    warp.alive--;
    open_if_all_wait(block);
    open_if_all_wait(warp);
}

// Let each thread of a warp run until it waits; return whether one got further than that.
static bool run_warp(unsigned warp, unsigned count, bool rising) {
    progress = false;
    for (unsigned i = 0; i < 32; i++) {
        running = warp * 32 + (rising ? i : 31 - i);
        if (running >= count || fibers[running].done) continue;
        threadIdx = {running % blockDim.x, running / blockDim.x % blockDim.y,
                     running / blockDim.x / blockDim.y};
        swapcontext(&scheduler, &fibers[running].context);
    }
    return progress;
}

static void run_block(bool rising) {
    unsigned count = blockDim.x * blockDim.y * blockDim.z;
    memset(__start_shared, 0xff, __stop_shared - __start_shared);  // NaN, as of no use
    if (fibers.size() < count) fibers.resize(count);
    warps.assign((count + 31) / 32, Gate());
    block = Gate();
    block.alive = count;
    for (unsigned i = 0; i < count; i++) {
        Fiber& fiber = fibers[i];
        warps[i / 32].alive++;
        fiber.done = false;
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.get();
        fiber.context.uc_stack.ss_size = 1 << 16;
        fiber.context.uc_link = &scheduler;
        makecontext(&fiber.context, run_fiber, 0);
    }
    while (block.alive) {
        bool any = false;
        for (unsigned w = 0; w < warps.size(); w++)
            while (run_warp(rising ? w : warps.size() - 1 - w, count, rising)) any = true;
        if (!any) {
            fprintf(stderr, "threads of a block wait for each other\n");
            abort();
        }
    }
}

template <class... A, size_t... I>
static void launch(void (*kernel)(A...), const unsigned* dims, void** args, int rising,
                   std::index_sequence<I...>) {
    gridDim = {dims[0], dims[1], dims[2]};
    blockDim = {dims[3], dims[4], dims[5]};
    body = [=] { kernel(*static_cast<A*>(args[I])...); };
    unsigned blocks = dims[0] * dims[1] * dims[2];
    for (unsigned k = 0; k < blocks; k++) {
        unsigned b = rising ? k : blocks - 1 - k;
        blockIdx = {b % dims[0], b / dims[0] % dims[1], b / dims[0] / dims[1]};
        run_block(rising);
    }
}

#define LAUNCHER(name)                                                               \
    extern "C" void launch_##name(const unsigned* dims, void** args, int rising) {   \
        launch(name, dims, args, rising, arguments_of(name));                        \
    }
template <class... A> static std::index_sequence_for<A...> arguments_of(void (*)(A...)) { return {}; }

// What CUDA has -----------------------------------------------------------------------------------

static void __syncthreads() { wait_at(block); }

template <class T> static T __shfl_xor_sync(unsigned, T x, int step) {
    unsigned me = running;
    Gate& warp = warps[me / 32];
    memcpy(&fibers[me].slot, &x, sizeof(T));
    wait_at(warp);
    memcpy(&x, &fibers[me ^ step].slot, sizeof(T));
    wait_at(warp);
    return x;
}

static uint64_t __umul64hi(uint64_t a, uint64_t b) { return (unsigned __int128)a * b >> 64; }

static float __uint_as_float(unsigned bits) {
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

static unsigned __float_as_uint(float x) {
    unsigned bits;
    memcpy(&bits, &x, 4);
    return bits;
}

static float __fmul_rn(float a, float b) { return a * b; }
static float rsqrt(float x) { return 1 / sqrtf(x); }
static double rsqrt(double x) { return 1 / sqrt(x); }

static float half_to_float(unsigned short bits) {
    _Float16 x;
    memcpy(&x, &bits, 2);
    return x;
}

static unsigned short half_from_float(float x) {
    _Float16 y = x;
    unsigned short bits;
    memcpy(&bits, &y, 2);
    return bits;
}
