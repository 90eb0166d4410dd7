/* Y = X W^T + b for linear layers and convolutions, and GEGLU, on a CPU with AVX-512, in float32 or in bfloat16
 * (AVX512-BF16).
 *
 * W stays as torch keeps it, [out][in]. A strip of 48 of its rows is packed into vectors of 16 outputs and passes by
 * all rows of X, while the strip after it is fetched from memory. Inputs are counted in words of 32 bits: one in
 * float32, two in bfloat16, as the dot product takes them. Every output is one sum in the order of its inputs, so how
 * many rows or threads there are changes no bit of it.
 */
#include <immintrin.h>
#include <stdint.h>
#include <stdlib.h>

#define LANES 16
#define VECTORS 3               /* of outputs in a strip */
#define STRIP (LANES * VECTORS)
#define ROWS 8                  /* of X in a tile: by 3 vectors, 24 sums in registers */
#define LINE 16                 /* words in a line of the cache */
#define BLOCK 512               /* rows whose sums are kept while the inputs pass */
#define DEPTH 640               /* words that pass at a time: a packed strip of them stays in the L2 cache */
#define FEW 6                   /* vectors of outputs, below which threads share rows rather than outputs */

typedef int32_t __attribute__((aligned(1), may_alias)) word;    /* bfloat16 may begin at any even address */

/* X as a view [images][height][width][down][right][depth], the last three a pixel's neighbourhood; depth in words. */
typedef struct {
    int64_t images, height, width, down, right, depth;
    int64_t image, line, pixel, below, beside;              /* strides, in bytes; depth lies in a row */
} view;

typedef struct {
    int half, gated;                                        /* bfloat16; W has twice as many rows where it is gated */
    const char *x, *bias;
    const word *w;
    char *y;
    view v;
    int64_t rows, columns, pitch;                           /* of Y; words from a row of W to the next */
    int64_t *places;                                        /* of each row's first word in X, in bytes */
} job;

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* 16 rows of W, a line each, to 16 vectors of outputs, `step` apart. */
static inline __attribute__((always_inline)) void transpose(
    const word *w, int64_t pitch, __m512i *out, int64_t step) {
    __m512i r[16], t[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) r[i] = _mm512_loadu_si512(w + i * pitch);
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {                       /* quarter q of r[4j + i]: word 4q + i of rows 4j.. */
        r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        const __m512i even = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88);
        const __m512i odd = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
        const __m512i even8 = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88);
        const __m512i odd8 = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
        out[i * step] = _mm512_shuffle_i32x4(even, even8, 0x88);
        out[(4 + i) * step] = _mm512_shuffle_i32x4(odd, odd8, 0x88);
        out[(8 + i) * step] = _mm512_shuffle_i32x4(even, even8, 0xdd);
        out[(12 + i) * step] = _mm512_shuffle_i32x4(odd, odd8, 0xdd);
    }
}

#ifdef __AVX512BF16__
#define DOT(acc, a, b, half) ((half) ? _mm512_dpbf16_ps(acc, (__m512bh)(a), (__m512bh)(b)) \
                                     : _mm512_fmadd_ps((__m512)(a), (__m512)(b), acc))
#else
#define DOT(acc, a, b, half) ((void)(half), _mm512_fmadd_ps((__m512)(a), (__m512)(b), acc))
#endif

/* Add some words to a tile's sums, and meanwhile fetch a line of each of `fetched` rows of weights for each of ours. */
static inline __attribute__((always_inline)) void multiply(
    const word *const x[ROWS], const __m512i *w, int64_t depth, float *sums, int fresh, const word *next,
    int64_t fetched, int64_t pitch, const int rows, const int vectors, const int half) {
    __m512 acc[ROWS][VECTORS];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            acc[r][v] = fresh ? _mm512_setzero_ps() : _mm512_load_ps(sums + r * STRIP + v * LANES);
    for (int64_t line = 0; line < depth; line += LINE) {
        for (int64_t i = 0; i < fetched; i++) _mm_prefetch((const char *)(next + i * pitch + line), _MM_HINT_T0);
        for (int64_t k = line; k < line + LINE; k++) {
            __m512i right[VECTORS];
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++) right[v] = w[k * vectors + v];
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++) {
                const __m512i left = _mm512_set1_epi32(x[r][k]);
#pragma GCC unroll 3
                for (int v = 0; v < vectors; v++) acc[r][v] = DOT(acc[r][v], left, right[v], half);
            }
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++) _mm512_store_ps(sums + r * STRIP + v * LANES, acc[r][v]);
}

#define BY(R, V, H) case (R * 4 + V) * 2 + H: multiply(x, w, depth, sums, fresh, next, fetched, pitch, R, V, H); break;
#define OF(R) BY(R, 1, 0) BY(R, 2, 0) BY(R, 3, 0) BY(R, 1, 1) BY(R, 2, 1) BY(R, 3, 1)

static void __attribute__((noinline)) tile(
    const word *const x[ROWS], const __m512i *w, int64_t depth, float *sums, int fresh, const word *next,
    int64_t fetched, int64_t pitch, int64_t rows, int vectors, int half) {
    switch ((rows * 4 + vectors) * 2 + half) { OF(1) OF(2) OF(3) OF(4) OF(5) OF(6) OF(7) OF(8) }
}

/* 16 values from the `i`th on, and back. */
static inline __m512 get(const char *x, int64_t i, int half) {
    if (!half) return _mm512_loadu_ps(x + i * 4);
    return (__m512)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(x + i * 2))), 16);
}

static inline void put(char *y, int64_t i, __m512 value, int half) {
#ifdef __AVX512BF16__
    if (half) {
        _mm256_storeu_si256((__m256i *)(y + i * 2), (__m256i)_mm512_cvtneps_pbh(value));
        return;
    }
#endif
    (void)half;
    _mm512_storeu_ps(y + i * 4, value);
}

/* exp(-a) for a >= 0 */
static inline __m512 exp_minus(__m512 a) {
    const __m512 x = _mm512_max_ps(_mm512_mul_ps(a, _mm512_set1_ps(-1.44269504089f)), _mm512_set1_ps(-126.0f));
    const __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), f = _mm512_sub_ps(x, n);
    __m512 y = _mm512_set1_ps(1.333355815e-3f);
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(9.618129108e-3f));
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(5.550410866e-2f));
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(2.402265070e-1f));
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(6.931471806e-1f));
    return _mm512_scalef_ps(_mm512_fmadd_ps(y, f, _mm512_set1_ps(1.0f)), n);
}

/* x Phi(x) (Hendrycks and Gimpel 2016), with erfc by Abramowitz and Stegun 7.1.26. */
static inline __m512 gelu(__m512 x) {
    const __m512 a = _mm512_abs_ps(_mm512_mul_ps(x, _mm512_set1_ps(0.70710678119f)));
    const __m512 d = _mm512_fmadd_ps(a, _mm512_set1_ps(0.3275911f), _mm512_set1_ps(1.0f));
    const __m512 rough = _mm512_rcp14_ps(d), t = _mm512_mul_ps(rough, _mm512_fnmadd_ps(rough, d, _mm512_set1_ps(2.0f)));
    __m512 y = _mm512_set1_ps(1.061405429f);
    y = _mm512_fmadd_ps(y, t, _mm512_set1_ps(-1.453152027f));
    y = _mm512_fmadd_ps(y, t, _mm512_set1_ps(1.421413741f));
    y = _mm512_fmadd_ps(y, t, _mm512_set1_ps(-0.284496736f));
    y = _mm512_fmadd_ps(y, t, _mm512_set1_ps(0.254829592f));
    const __m512 erfc = _mm512_mul_ps(_mm512_mul_ps(y, t), exp_minus(_mm512_mul_ps(a, a)));
    const __m512 tail = _mm512_mul_ps(_mm512_mul_ps(x, _mm512_set1_ps(0.5f)), erfc);
    return _mm512_mask_sub_ps(tail, _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GT_OQ), x, tail);
}

/* A tile's sums, with the bias and the gates, to Y. */
static inline void finish(
    const job *j, const float *sums, const float *gates, int64_t first, int64_t rows, int64_t column, int vectors) {
    for (int v = 0; v < vectors; v++, column += LANES, sums += LANES, gates += LANES) {
        const __m512 zero = _mm512_setzero_ps(), bias = j->bias ? get(j->bias, column, j->half) : zero;
        const __m512 other = j->bias && j->gated ? get(j->bias, j->columns + column, j->half) : zero;
        for (int64_t r = 0; r < rows; r++) {
            __m512 y = _mm512_add_ps(bias, _mm512_load_ps(sums + r * STRIP));
            if (j->gated) y = _mm512_mul_ps(y, gelu(_mm512_add_ps(other, _mm512_load_ps(gates + r * STRIP))));
            put(j->y, (first + r) * j->columns + column, y, j->half);
        }
    }
}

/* Rows `top` to `bottom` by the strip of outputs from `column` on: first their values, then their gates. `following` is
 * how many vectors the next strip has, which is fetched in the end. */
static void strip(
    const job *j, int64_t top, int64_t bottom, int64_t column, int vectors, int following, char *scratch) {
    __m512i *packed = (__m512i *)scratch;
    float *values = (float *)(packed + DEPTH * VECTORS), *gates = values + BLOCK * STRIP;
    const int64_t parts = (j->v.depth + DEPTH - 1) / DEPTH, size = (j->v.depth / LINE + parts - 1) / parts * LINE;
    const int64_t pieces = j->v.down * j->v.right * parts, all = pieces * (j->gated ? 2 : 1), pitch = j->pitch;
    const int64_t tiles = (bottom - top + ROWS - 1) / ROWS, wide = vectors * LANES;
    for (int64_t p = 0; p < all; p++) {
        const int64_t gate = p / pieces, piece = p % pieces, tap = piece / parts, from = piece % parts * size;
        const int64_t depth = smaller(size, j->v.depth - from);
        const word *w = j->w + (gate * j->columns + column) * pitch + tap * j->v.depth + from, *next = w + depth;
        if (piece + 1 == pieces) next = j->w + (p + 1 < all ? j->columns + column : column + wide) * pitch;
        for (int v = 0; v < vectors; v++)
            for (int64_t k = 0; k < depth; k += LINE)
                transpose(w + v * LANES * pitch + k, pitch, packed + k * vectors + v, vectors);
        const int64_t ahead = p + 1 < all ? wide : following * LANES;       /* rows of weights to fetch */
        const char *x = j->x + tap / j->v.right * j->v.below + tap % j->v.right * j->v.beside + from * 4;
        for (int64_t t = 0; t < tiles; t++) {
            const int64_t first = top + t * ROWS, begin = ahead * t / tiles, end = ahead * (t + 1) / tiles;
            const int64_t rows = smaller(ROWS, bottom - first);
            const word *at[ROWS];
            for (int64_t r = 0; r < ROWS; r++) at[r] = (const word *)(x + j->places[smaller(first + r, bottom - 1)]);
            float *sums = (gate ? gates : values) + t * ROWS * STRIP;
            tile(at, packed, depth, sums, !piece, next + begin * pitch, end - begin, pitch, rows, vectors, j->half);
            if (p + 1 == all) finish(j, values + t * ROWS * STRIP, sums, first, rows, column, vectors);
        }
    }
}

/* How many of the vectors that are left the next strip has: 2 and 2 rather than 3 and 1. */
static int in_strip(int64_t left) { return left == VECTORS + 1 ? 2 : smaller(VECTORS, left); }

static void locate(const view *v, int64_t *places) {
    for (int64_t i = 0; i < v->images; i++)
        for (int64_t y = 0; y < v->height; y++)
            for (int64_t x = 0; x < v->width; x++) *places++ = i * v->image + y * v->line + x * v->pixel;
}

/* Y [rows][columns] from a view's sizes (6) and strides (5); columns in sixteens, depth in lines. `bias` may be null.
 * Gated: Y = (X W^T + b) gelu(X V^T + c), with [W, V] and [b, c] given. Returns 0, or 1 when there is no memory. */
int garasu_matmul(
    int half, int gated, int threads, int64_t columns, const int64_t *sizes, const int64_t *strides,
    const void *x, const void *w, const void *bias, void *y) {
    const int64_t size = half ? 2 : 4;
    const view v = {sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5] * size / 4, strides[0] * size,
                    strides[1] * size, strides[2] * size, strides[3] * size, strides[4] * size};
    job j = {half, gated, x, bias, w, y, v, v.images * v.height * v.width, columns, v.down * v.right * v.depth, 0};
    const int64_t scratch = DEPTH * VECTORS * sizeof(__m512i) + 2 * BLOCK * STRIP * sizeof(float);
    const int64_t vectors = columns / LANES;
    char *memory = aligned_alloc(64, threads * scratch + (j.rows * sizeof(int64_t) + 63) / 64 * 64);
    if (!memory) return 1;
    j.places = (int64_t *)(memory + threads * scratch);
    locate(&v, j.places);
    int across = threads;                                   /* of the threads, how many share the outputs */
    while (across % 2 == 0 && vectors < FEW * across && j.rows >= 4 * ROWS * threads / across) across /= 2;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int number = 0; number < threads; number++) {
        const int down = threads / across, i = number / across, k = number % across;
        const int64_t top = j.rows * i / down, bottom = j.rows * (i + 1) / down;
        const int64_t begin = vectors * k / across, end = vectors * (k + 1) / across;
        for (int64_t t = top; t < bottom; t += BLOCK)
            for (int64_t at = begin, here; at < end; at += here) {
                here = in_strip(end - at);
                const int following = in_strip(end - at - here);
                strip(&j, t, smaller(t + BLOCK, bottom), at * LANES, here, following, memory + number * scratch);
            }
    }
    free(memory);
    return 0;
}
