/* softmax(Q K^T / sqrt(d)) V on a CPU with AVX-512, bfloat16 (AVX512-BF16) or float32, without ever holding all weights.
 *
 * Blocks of keys pass by a tile of 64 queries with a running maximum and sum (Milakov and Gimelshein 2018; Dao et al.
 * 2022). The lanes of a vector are 16 queries, so maxima and sums need no step across lanes, no head width needs
 * padding, and the weights of two keys lie as the bfloat16 dot product wants them.
 */
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LANES 16
#define VECTORS 4               /* of queries in a tile */
#define TILE (LANES * VECTORS)
#define KEYS 6                  /* a block of accumulators in Q K^T: 6 keys by 4 vectors */
#define CHANNELS 5              /* the same in P V */
#ifndef BLOCK
#define BLOCK 192               /* keys that pass at a time; their scores stay in the nearest caches */
#endif

typedef struct { int64_t row, token, head; } strides;      /* in elements; channels lie next to each other */

typedef struct {
    int half;                   /* bfloat16 */
    int64_t heads, queries, keys, width;
    float scale;                /* log2(e) / sqrt(width) */
    const char *q, *k, *v;
    char *out;
    strides qs, ks, vs, os;
    char *packed_k, *packed_v;  /* every head's keys and values, next to each other */
    int64_t padded;             /* keys rounded up to whole blocks of accumulators */
} job;

static inline __attribute__((always_inline)) __m512 exp2_clamped(__m512 x, const int half) {
    x = _mm512_max_ps(x, _mm512_set1_ps(-127.0f));
    const __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512 f = _mm512_sub_ps(x, n);                   /* in -0.5 .. 0.5 */
    __m512 y;
    if (half) {                                             /* to 4 digits: bfloat16 holds fewer */
        y = _mm512_set1_ps(0.05550410866f);
        y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(0.2402265070f));
    } else {
        y = _mm512_set1_ps(1.540353039e-4f);
        y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(1.333355815e-3f));
        y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(9.618129108e-3f));
        y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(5.550410866e-2f));
        y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(2.402265070e-1f));
    }
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(0.6931471806f));
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(y, n);
}

#ifdef __AVX512BF16__
#define DOT(acc, a, b, half) ((half) ? _mm512_dpbf16_ps(acc, (__m512bh)(a), (__m512bh)_mm512_set1_epi32(b)) \
                                     : _mm512_fmadd_ps((__m512)(a), (__m512)_mm512_set1_epi32(b), acc))
#else
#define DOT(acc, a, b, half) _mm512_fmadd_ps((__m512)(a), (__m512)_mm512_set1_epi32(b), acc)
#endif

/* `count` rows of `lhs` (32-bit words, `depth` of them `step` apart, rows `row` apart) against the tile's vectors. */
static inline __attribute__((always_inline)) void multiply(
    const int32_t *lhs, int64_t row, int64_t step, const __m512i *rhs, int64_t depth,
    __m512 acc[][VECTORS], const int count, const int half) {
    for (int64_t i = 0; i < depth; i++) {
        const __m512i r0 = rhs[i * VECTORS], r1 = rhs[i * VECTORS + 1];
        const __m512i r2 = rhs[i * VECTORS + 2], r3 = rhs[i * VECTORS + 3];
#pragma GCC unroll 6
        for (int r = 0; r < count; r++) {
            const int32_t word = lhs[r * row + i * step];
            acc[r][0] = DOT(acc[r][0], r0, word, half);
            acc[r][1] = DOT(acc[r][1], r1, word, half);
            acc[r][2] = DOT(acc[r][2], r2, word, half);
            acc[r][3] = DOT(acc[r][3], r3, word, half);
        }
    }
}

static inline __attribute__((always_inline)) void scores(
    const int32_t *k, const __m512i *q, int64_t words, __m512 *s, __m512 max[VECTORS], const int half) {
    __m512 acc[KEYS][VECTORS];
#pragma GCC unroll 6
    for (int r = 0; r < KEYS; r++)
        for (int v = 0; v < VECTORS; v++) acc[r][v] = _mm512_setzero_ps();
    multiply(k, words, 1, q, words, acc, KEYS, half);
#pragma GCC unroll 6
    for (int r = 0; r < KEYS; r++)
        for (int v = 0; v < VECTORS; v++) {
            s[r * VECTORS + v] = acc[r][v];
            max[v] = _mm512_max_ps(max[v], acc[r][v]);
        }
}

static inline __attribute__((always_inline)) void gather(
    const int32_t *values, int64_t width, const __m512i *p, int64_t depth, __m512 *o, const __m512 shrink[VECTORS],
    const int count, const int half) {
    __m512 acc[CHANNELS][VECTORS];
#pragma GCC unroll 5
    for (int r = 0; r < count; r++)
        for (int v = 0; v < VECTORS; v++) acc[r][v] = _mm512_mul_ps(o[r * VECTORS + v], shrink[v]);
    multiply(values, 1, width, p, depth, acc, count, half);
#pragma GCC unroll 5
    for (int r = 0; r < count; r++)
        for (int v = 0; v < VECTORS; v++) o[r * VECTORS + v] = acc[r][v];
}

/* Scores of a block to weights; `p` may be `s`. */
static inline __attribute__((always_inline)) void weights(
    const __m512 *s, __m512i *p, int64_t keys, __m512 scale, const __m512 max[VECTORS], __m512 sum[VECTORS],
    const int half) {
#ifdef __AVX512BF16__
    if (half) {
        const __m512i pairs = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8,
                                               23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
        for (int64_t k = 0; k < keys; k += 2)
            for (int v = 0; v < VECTORS; v++) {
                const __m512 a = exp2_clamped(_mm512_fmsub_ps(s[k * VECTORS + v], scale, max[v]), 1);
                const __m512 b = exp2_clamped(_mm512_fmsub_ps(s[(k + 1) * VECTORS + v], scale, max[v]), 1);
                sum[v] = _mm512_add_ps(sum[v], _mm512_add_ps(a, b));
                p[k / 2 * VECTORS + v] = _mm512_permutexvar_epi16(pairs, (__m512i)_mm512_cvtne2ps_pbh(b, a));
            }
        return;
    }
#endif
    for (int64_t i = 0; i < keys * VECTORS; i += VECTORS)
        for (int v = 0; v < VECTORS; v++) {
            const __m512 a = exp2_clamped(_mm512_fmsub_ps(s[i + v], scale, max[v]), 0);
            sum[v] = _mm512_add_ps(sum[v], a);
            p[i + v] = (__m512i)a;
        }
}

static inline __attribute__((always_inline)) void tile(const job *j, int64_t number, char *scratch, const int half) {
    const int64_t tiles = (j->queries + TILE - 1) / TILE, head = number / tiles, first = number % tiles * TILE;
    const int64_t b = head / j->heads, n = head % j->heads, width = j->width, words = half ? width / 2 : width;
    const int64_t size = half ? 2 : 4, here = j->queries - first < TILE ? j->queries - first : TILE;
    __m512i *q = (__m512i *)scratch, *p;                    /* [words][VECTORS] */
    __m512 *s = (__m512 *)(q + words * VECTORS), *o = s + BLOCK * VECTORS;
    p = half ? (__m512i *)(o + width * VECTORS) : (__m512i *)s;
    const char *from = j->q + (b * j->qs.row + n * j->qs.head + first * j->qs.token) * size;
    for (int64_t i = 0; i < TILE; i++)
        for (int64_t w = 0; w < words; w++)
            ((int32_t *)q)[w * TILE + i] = i < here ? ((const int32_t *)(from + i * j->qs.token * size))[w] : 0;
    const __m512 scale = _mm512_set1_ps(j->scale);
    __m512 max[VECTORS], sum[VECTORS];
    for (int v = 0; v < VECTORS; v++) max[v] = _mm512_set1_ps(-INFINITY), sum[v] = _mm512_setzero_ps();
    for (int64_t i = 0; i < width * VECTORS; i++) o[i] = _mm512_setzero_ps();
    const int32_t *k = (const int32_t *)j->packed_k + head * j->padded * words;
    const int32_t *values = (const int32_t *)j->packed_v + head * j->padded * words;
    for (int64_t start = 0; start < j->padded; start += BLOCK) {
        const int64_t keys = j->padded - start < BLOCK ? j->padded - start : BLOCK;
        const int64_t real = j->keys - start < keys ? j->keys - start : keys;  /* the rest fills the last block */
        __m512 top[VECTORS], any[VECTORS], shrink[VECTORS];
        for (int v = 0; v < VECTORS; v++) top[v] = any[v] = _mm512_set1_ps(-INFINITY);
        for (int64_t i = 0; i < keys; i += KEYS)
            scores(k + (start + i) * words, q, words, s + i * VECTORS, i + KEYS <= real ? top : any, half);
        for (int64_t i = real / KEYS * KEYS; i < keys; i++)
            for (int v = 0; v < VECTORS; v++)
                if (i < real) top[v] = _mm512_max_ps(top[v], s[i * VECTORS + v]);
                else s[i * VECTORS + v] = _mm512_set1_ps(-INFINITY);
        for (int v = 0; v < VECTORS; v++) {
            const __m512 now = _mm512_max_ps(max[v], _mm512_mul_ps(top[v], scale));
            shrink[v] = exp2_clamped(_mm512_sub_ps(max[v], now), 0);
            sum[v] = _mm512_mul_ps(sum[v], shrink[v]);
            max[v] = now;
        }
        weights(s, p, keys, scale, max, sum, half);
        const int64_t depth = half ? keys / 2 : keys;
        const int32_t *block = values + (half ? start / 2 : start) * width;
        int64_t d = 0;
        for (; d + CHANNELS <= width; d += CHANNELS)
            gather(block + d, width, p, depth, o + d * VECTORS, shrink, CHANNELS, half);
        for (; d < width; d++) gather(block + d, width, p, depth, o + d * VECTORS, shrink, 1, half);
    }
    char *to = j->out + (b * j->os.row + n * j->os.head + first * j->os.token) * size;
    for (int v = 0; v < VECTORS; v++) sum[v] = _mm512_div_ps(_mm512_set1_ps(1.0f), sum[v]);
    for (int64_t d = 0; d < width; d++)
        for (int v = 0; v < VECTORS; v++) {
            float lanes[LANES];
            _mm512_storeu_ps(lanes, _mm512_mul_ps(o[d * VECTORS + v], sum[v]));
            for (int64_t i = 0; i < LANES && v * LANES + i < here; i++) {
                char *place = to + ((v * LANES + i) * j->os.token + d) * size;
                if (half) {
                    uint32_t bits;
                    memcpy(&bits, lanes + i, 4);
                    *(uint16_t *)place = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
                } else
                    *(float *)place = lanes[i];
            }
        }
}

/* The keys of one head next to each other; values too, in bfloat16 those of two keys side by side. */
static void pack(const job *j, int64_t head) {
    const int64_t b = head / j->heads, n = head % j->heads, width = j->width, size = j->half ? 2 : 4;
    char *k = j->packed_k + head * j->padded * width * size, *v = j->packed_v + head * j->padded * width * size;
    const char *from_k = j->k + (b * j->ks.row + n * j->ks.head) * size;
    const char *from_v = j->v + (b * j->vs.row + n * j->vs.head) * size;
    memset(k + j->keys * width * size, 0, (j->padded - j->keys) * width * size);
    memset(v, 0, j->half ? j->padded * width * size : 0);
    memset(v + j->keys * width * size, 0, (j->padded - j->keys) * width * size);
    for (int64_t i = 0; i < j->keys; i++) {
        memcpy(k + i * width * size, from_k + i * j->ks.token * size, width * size);
        const char *row = from_v + i * j->vs.token * size;
        if (!j->half)
            memcpy(v + i * width * size, row, width * size);
        else
            for (int64_t d = 0; d < width; d++)
                ((uint16_t *)v)[(i / 2 * width + d) * 2 + i % 2] = ((const uint16_t *)row)[d];
    }
}

/* Returns 0, or 1 when there is no memory. Strides are (row, token, head), in elements. */
int garasu_attention(
    int half, int threads, int64_t rows, int64_t heads, int64_t queries, int64_t keys, int64_t width,
    const void *q, const int64_t *qs, const void *k, const int64_t *ks, const void *v, const int64_t *vs,
    void *out, const int64_t *os) {
    job j = {half, heads, queries, keys, width, 1.44269504089f / sqrtf((float)width), q, k, v, out,
             {qs[0], qs[1], qs[2]}, {ks[0], ks[1], ks[2]}, {vs[0], vs[1], vs[2]}, {os[0], os[1], os[2]}, 0, 0,
             (keys + KEYS - 1) / KEYS * KEYS};
    const int64_t size = half ? 2 : 4, packed = (rows * heads * j.padded * width * size + 63) / 64 * 64;
    const int64_t scratch = ((half ? width / 2 : width) + BLOCK + width + (half ? BLOCK / 2 : 0)) * VECTORS * 64;
    const int64_t tiles = rows * heads * ((queries + TILE - 1) / TILE);
    char *memory = aligned_alloc(64, 2 * packed + threads * scratch);
    if (!memory) return 1;
    j.packed_k = memory;
    j.packed_v = memory + packed;
    char *rest = memory + 2 * packed;
#pragma omp parallel num_threads(threads)
    {
#pragma omp for schedule(dynamic)
        for (int64_t head = 0; head < rows * heads; head++) pack(&j, head);
        char *mine = rest;
#ifdef _OPENMP
        extern int omp_get_thread_num(void);
        mine += omp_get_thread_num() * scratch;
#endif
#pragma omp for schedule(dynamic)
        for (int64_t number = 0; number < tiles; number++) {
#ifdef __AVX512BF16__
            if (half) tile(&j, number, mine, 1);
            else
#endif
            tile(&j, number, mine, 0);
        }
    }
    free(memory);
    return 0;
}
