/* Matrix products in bfloat16 on a CPU with AVX512-BF16: Y = X W^T + b for linear layers and convolutions, and GEGLU.
 *
 * W stays as torch keeps it, [out][in]. A strip of 48 of its rows is turned into vectors of 16 outputs by 2 inputs, as
 * the dot product wants them, and passes by all rows of X while the strip after it is fetched from memory. Every output
 * is one sum in the order of its inputs, so how many rows or threads there are changes no bit of it.
 */
#include <immintrin.h>
#include <stdint.h>
#include <stdlib.h>

#define LANES 16
#define VECTORS 3               /* of outputs in a strip */
#define STRIP (LANES * VECTORS)
#define ROWS 8                  /* of X in a tile: by 3 vectors, 24 sums in registers */
#define LINE 32                 /* inputs in a line of the cache */
#define BLOCK 512               /* rows whose sums are kept while the inputs pass */
#define DEPTH 1280              /* inputs that pass at a time: a turned strip of them stays in the second cache */
#define FEW 6                   /* vectors of outputs, below which threads share rows rather than outputs */

typedef uint16_t bf16;

/* X as a view [images][lines][pixels][down][right][depth], the last three a pixel's neighbourhood. */
typedef struct {
    int64_t images, lines, pixels, down, right, depth;
    int64_t image, line, pixel, below, beside;              /* strides, in elements; that of depth is 1 */
} view;

typedef struct {
    const bf16 *x, *w, *bias;
    bf16 *y;
    view v;
    int64_t rows, columns, inputs;                          /* W has twice as many columns where it is gated */
    int gated;
    int64_t *places;                                        /* of each row's first input in X */
} job;

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* 16 rows of W, a line each, to 16 vectors of outputs by 2 inputs, `step` apart. */
static inline __attribute__((always_inline)) void turn(const bf16 *w, int64_t row, __m512i *out, int64_t step) {
    __m512i r[16], t[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) r[i] = _mm512_loadu_si512(w + i * row);
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {                       /* quarter q of r[4j + i]: pair 4q + i of rows 4j to 4j + 3 */
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

/* Add some inputs to a tile's sums, and meanwhile fetch a line of each of `fetched` rows of weights for each of ours. */
static inline __attribute__((always_inline)) void multiply(
    const int32_t *const x[ROWS], const __m512i *w, int64_t depth, float *sums, int begin, const bf16 *next,
    int64_t fetched, int64_t row, const int rows, const int vectors) {
    __m512 acc[ROWS][VECTORS];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            acc[r][v] = begin ? _mm512_setzero_ps() : _mm512_load_ps(sums + r * STRIP + v * LANES);
    for (int64_t line = 0; line < depth; line += LINE) {
        for (int64_t i = 0; i < fetched; i++) _mm_prefetch((const char *)(next + i * row + line), _MM_HINT_T0);
        for (int64_t pair = line / 2; pair < (line + LINE) / 2; pair++) {
            __m512bh right[VECTORS];
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++) right[v] = (__m512bh)w[pair * vectors + v];
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++) {
                const __m512bh left = (__m512bh)_mm512_set1_epi32(x[r][pair]);
#pragma GCC unroll 3
                for (int v = 0; v < vectors; v++) acc[r][v] = _mm512_dpbf16_ps(acc[r][v], left, right[v]);
            }
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++) _mm512_store_ps(sums + r * STRIP + v * LANES, acc[r][v]);
}

#define BY(R, V) case R * 4 + V: multiply(x, w, depth, sums, begin, next, fetched, row, R, V); break;
#define OF(R) BY(R, 1) BY(R, 2) BY(R, 3)

static void __attribute__((noinline)) tile(
    const int32_t *const x[ROWS], const __m512i *w, int64_t depth, float *sums, int begin, const bf16 *next,
    int64_t fetched, int64_t row, int64_t rows, int vectors) {
    switch (rows * 4 + vectors) { OF(1) OF(2) OF(3) OF(4) OF(5) OF(6) OF(7) OF(8) }
}

static inline __m512 wide(const bf16 *x) {
    return (__m512)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)x)), 16);
}

/* exp(-a) for a >= 0 */
static inline __m512 decayed(__m512 a) {
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
    const __m512 erfc = _mm512_mul_ps(_mm512_mul_ps(y, t), decayed(_mm512_mul_ps(a, a)));
    const __m512 tail = _mm512_mul_ps(_mm512_mul_ps(x, _mm512_set1_ps(0.5f)), erfc);
    return _mm512_mask_sub_ps(tail, _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GT_OQ), x, tail);
}

/* A tile's sums, with the bias and the gates, to Y. */
static inline void finish(
    const job *j, const float *sums, const float *gates, int64_t first, int64_t rows, int64_t column, int vectors) {
    for (int v = 0; v < vectors; v++, column += LANES, sums += LANES, gates += LANES) {
        const __m512 bias = j->bias ? wide(j->bias + column) : _mm512_setzero_ps();
        const __m512 other = j->bias && j->gated ? wide(j->bias + j->columns + column) : _mm512_setzero_ps();
        for (int64_t r = 0; r < rows; r++) {
            __m512 y = _mm512_add_ps(bias, _mm512_load_ps(sums + r * STRIP));
            if (j->gated) y = _mm512_mul_ps(y, gelu(_mm512_add_ps(other, _mm512_load_ps(gates + r * STRIP))));
            _mm256_storeu_si256((__m256i *)(j->y + (first + r) * j->columns + column), (__m256i)_mm512_cvtneps_pbh(y));
        }
    }
}

/* Rows `top` to `bottom` by the strip of outputs from `column` on: first their values, then their gates. */
static void strip(const job *j, int64_t top, int64_t bottom, int64_t column, int vectors, int last, char *scratch) {
    __m512i *turned = (__m512i *)scratch;
    float *values = (float *)(turned + DEPTH / 2 * VECTORS), *gates = values + BLOCK * STRIP;
    const int64_t parts = (j->v.depth + DEPTH - 1) / DEPTH, size = (j->v.depth / LINE + parts - 1) / parts * LINE;
    const int64_t pieces = j->v.down * j->v.right * parts, all = pieces * (j->gated ? 2 : 1);
    const int64_t tiles = (bottom - top + ROWS - 1) / ROWS;
    for (int64_t p = 0; p < all; p++) {
        const int64_t gate = p / pieces, piece = p % pieces, tap = piece / parts, from = piece % parts * size;
        const int64_t depth = smaller(size, j->v.depth - from);
        const bf16 *w = j->w + (gate * j->columns + column) * j->inputs + tap * j->v.depth + from, *next = w + depth;
        if (piece + 1 == pieces) next = j->w + (p + 1 < all ? j->columns + column : column + vectors * LANES) * j->inputs;
        for (int v = 0; v < vectors; v++)
            for (int64_t k = 0; k < depth; k += LINE)
                turn(w + v * LANES * j->inputs + k, j->inputs, turned + k / 2 * vectors + v, vectors);
        const int64_t ahead = last && p + 1 == all ? 0 : vectors * LANES;   /* rows of weights to fetch */
        const bf16 *x = j->x + tap / j->v.right * j->v.below + tap % j->v.right * j->v.beside + from;
        for (int64_t t = 0; t < tiles; t++) {
            const int64_t first = top + t * ROWS, begin = ahead * t / tiles, end = ahead * (t + 1) / tiles;
            const int64_t rows = smaller(ROWS, bottom - first);
            const int32_t *at[ROWS];
            for (int64_t r = 0; r < ROWS; r++)
                at[r] = (const int32_t *)(x + j->places[smaller(first + r, bottom - 1)]);
            float *sums = (gate ? gates : values) + t * ROWS * STRIP;
            tile(at, turned, depth, sums, !piece, next + begin * j->inputs, end - begin, j->inputs, rows, vectors);
            if (p + 1 == all) finish(j, values + t * ROWS * STRIP, sums, first, rows, column, vectors);
        }
    }
}

static void locate(const view *v, int64_t *places) {
    for (int64_t i = 0; i < v->images; i++)
        for (int64_t l = 0; l < v->lines; l++)
            for (int64_t p = 0; p < v->pixels; p++) *places++ = i * v->image + l * v->line + p * v->pixel;
}

/* Y [rows][columns] from a view's sizes (6) and strides (5); columns in sixteens, depth in 32s. `bias` may be null.
 * Gated: Y = (X W^T + b) gelu(X V^T + c), with [W, V] and [b, c] given. Returns 0, or 1 when there is no memory. */
int garasu_matmul(
    int gated, int threads, int64_t columns, const int64_t *sizes, const int64_t *strides,
    const void *x, const void *w, const void *bias, void *y) {
    const view v = {sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5],
                    strides[0], strides[1], strides[2], strides[3], strides[4]};
    job j = {x, w, bias, y, v, v.images * v.lines * v.pixels, columns, v.down * v.right * v.depth, gated, 0};
    const int64_t scratch = DEPTH / 2 * VECTORS * sizeof(__m512i) + 2 * BLOCK * STRIP * sizeof(float);
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
                here = end - at == VECTORS + 1 ? 2 : smaller(VECTORS, end - at);   /* 2 and 2 rather than 3 and 1 */
                strip(&j, t, smaller(t + BLOCK, bottom), at * LANES, here, at + here == end, memory + number * scratch);
            }
    }
    free(memory);
    return 0;
}
