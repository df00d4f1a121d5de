// Images of bytes to a batch: crop, mirror, mean, scale.

// y = (x - mean) scale of a part of each image, from row tops[n] and column lefts[n] on, from right
// to left where turned[n]. Image n is (C, heights[n], widths[n]) from x[start[n]] on. The mean is
// none (0), one number (1), one a channel (2) or an image of the same size (3). y is channels-last,
// or N, C, H, W where `planes`.
extern "C" __global__ void transform_images(const unsigned char* x, const long long* start,
                                            const int* heights, const int* widths, const int* tops,
                                            const int* lefts, const int* turned, const Acc* mean,
                                            Real* y, int N, int C, int H, int W,
                                            int mean_kind, Acc scale, int planes) {
    FOR_EACH(i, N * C * H * W) {
        unsigned c, h, w, n;
        if (planes) {
            w = i % W;
            h = i / W % H;
            c = i / W / H % C;
        } else {
            c = i % C;
            w = i / C % W;
            h = i / C / W % H;
        }
        n = i / (C * H * W);
        unsigned row = tops[n] + h, column = lefts[n] + (turned[n] ? W - 1 - w : w);
        unsigned at = (c * heights[n] + row) * widths[n] + column;
        Acc value = x[start[n] + at];
        if (mean_kind) value -= mean[mean_kind == 1 ? 0 : mean_kind == 2 ? c : at];
        y[i] = stored(value * scale);
    }
}
