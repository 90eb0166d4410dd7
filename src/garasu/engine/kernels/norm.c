/* Group normalisation of a channels_last feature map (Wu and He 2018), bfloat16 or float32, where it lies.
 *
 * torch's own kernel for this layout is slow in bfloat16, and changing the layout twice moves all values four times.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 64                 /* pixels whose sums are taken together */

static inline float widened(uint16_t value) {
    uint32_t bits = (uint32_t)value << 16;
    float wide;
    memcpy(&wide, &bits, 4);
    return wide;
}

static inline uint16_t rounded(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
}

static inline __attribute__((always_inline)) float get(const void *x, int64_t i, const int half) {
    return half ? widened(((const uint16_t *)x)[i]) : ((const float *)x)[i];
}

/* Sums over some pixels of x - base and its square, for each channel: with a value of the map itself as the base, a
 * large mean does not swallow the variance. */
static inline __attribute__((always_inline)) void sums(
    const void *restrict x, int64_t pixels, int64_t channels, const float *restrict base, float *restrict sum,
    float *restrict square, const int half) {
    memset(sum, 0, channels * sizeof(float));
    memset(square, 0, channels * sizeof(float));
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t c = 0; c < channels; c++) {
            const float value = get(x, p * channels + c, half) - base[c];
            sum[c] += value;
            square[c] += value * value;
        }
}

static inline __attribute__((always_inline)) void scaled(
    const void *restrict x, void *restrict y, int64_t pixels, int64_t channels, const float *restrict base,
    const float *restrict scale, const float *restrict shift, const int half) {
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t c = 0; c < channels; c++) {
            const float value = (get(x, p * channels + c, half) - base[c]) * scale[c] + shift[c];
            if (half) ((uint16_t *)y)[p * channels + c] = rounded(value);
            else ((float *)y)[p * channels + c] = value;
        }
}

/* y = (x - base) * scale + shift for one picture, from the sums of its chunks. */
static void affine(
    const float *sum, const float *square, const float *base, int64_t chunks, int64_t pixels, int64_t channels,
    int64_t groups, double eps, const void *weight, const void *bias, float *scale, float *shift, int half) {
    const int64_t width = channels / groups;
    for (int64_t g = 0; g < groups; g++) {
        double mean = 0, second = 0;        /* of x, and of x - base around the group's own mean */
        for (int64_t c = g * width; c < (g + 1) * width; c++) {
            double s = 0;
            for (int64_t i = 0; i < chunks; i++) s += sum[i * channels + c];
            mean += base[c] + s / pixels;
        }
        mean /= width;
        for (int64_t c = g * width; c < (g + 1) * width; c++) {
            double s = 0, q = 0;
            for (int64_t i = 0; i < chunks; i++) s += sum[i * channels + c], q += square[i * channels + c];
            const double off = mean - base[c];
            second += q / pixels - 2 * off * s / pixels + off * off;
        }
        const double inverse = 1 / sqrt(fmax(second / width, 0) + eps);
        for (int64_t c = g * width; c < (g + 1) * width; c++) {
            scale[c] = (float)(inverse * get(weight, c, half));
            shift[c] = (float)(get(bias, c, half) - (mean - base[c]) * inverse * get(weight, c, half));
        }
    }
}

/* x and y: [rows][pixels][channels]. Returns 0, or 1 when there is no memory. */
int garasu_group_norm(
    int half, int threads, int64_t rows, int64_t pixels, int64_t channels, int64_t groups, double eps,
    const void *x, const void *weight, const void *bias, void *y) {
    const int64_t chunks = (pixels + ROWS - 1) / ROWS, size = half ? 2 : 4;
    float *memory = malloc((2 * rows * chunks + 3 * rows) * channels * sizeof(float));
    if (!memory) return 1;
    float *sum = memory, *square = sum + rows * chunks * channels, *base = square + rows * chunks * channels;
    float *scale = base + rows * channels, *shift = scale + rows * channels;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < channels; c++) base[r * channels + c] = get(x, r * pixels * channels + c, half);
#pragma omp parallel num_threads(threads)
    {
#pragma omp for schedule(static)
        for (int64_t i = 0; i < rows * chunks; i++) {
            const int64_t r = i / chunks, first = i % chunks * ROWS;
            const int64_t here = pixels - first < ROWS ? pixels - first : ROWS;
            const char *from = (const char *)x + (r * pixels + first) * channels * size;
            if (half) sums(from, here, channels, base + r * channels, sum + i * channels, square + i * channels, 1);
            else sums(from, here, channels, base + r * channels, sum + i * channels, square + i * channels, 0);
        }
#pragma omp for schedule(static)
        for (int64_t r = 0; r < rows; r++)
            affine(sum + r * chunks * channels, square + r * chunks * channels, base + r * channels, chunks, pixels,
                   channels, groups, eps, weight, bias, scale + r * channels, shift + r * channels, half);
#pragma omp for schedule(static)
        for (int64_t i = 0; i < rows * chunks; i++) {
            const int64_t r = i / chunks, first = i % chunks * ROWS;
            const int64_t here = pixels - first < ROWS ? pixels - first : ROWS;
            const int64_t place = (r * pixels + first) * channels * size;
            const float *from = base + r * channels, *by = scale + r * channels, *plus = shift + r * channels;
            if (half) scaled((const char *)x + place, (char *)y + place, here, channels, from, by, plus, 1);
            else scaled((const char *)x + place, (char *)y + place, here, channels, from, by, plus, 0);
        }
    }
    free(memory);
    return 0;
}
