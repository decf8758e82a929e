/* rng.c: Philox4x32-10. Counter = (block, stream), key = seed; draw i is word i % 4 of block i / 4. */
#include "base/rng.h"

#include "base/rng_internal.h"

#include <assert.h>
#include <math.h>

#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u
#define PHILOX_W0 0x9E3779B9u /* golden ratio */
#define PHILOX_W1 0xBB67AE85u /* sqrt(3) - 1 */

void base_philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];

    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)PHILOX_M0 * c0, p1 = (uint64_t)PHILOX_M1 * c2;

        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += PHILOX_W0;
        k1 += PHILOX_W1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static void draw_block(const struct base_rng *rng, uint64_t block, uint32_t out[4])
{
    const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)rng->stream,
                                 (uint32_t)(rng->stream >> 32)};
    const uint32_t key[2] = {(uint32_t)rng->seed, (uint32_t)(rng->seed >> 32)};

    base_philox4x32_10(counter, key, out);
}

/* The finaliser of splitmix64: every input bit reaches every output bit. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xBF58476D1CE4E5B9u;
    x ^= x >> 27;
    x *= 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

uint64_t base_rng_stream(const char *name, uint64_t a, uint64_t b)
{
    uint64_t hash = 0xCBF29CE484222325u;

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001B3u;
    hash = mix(hash + 0x9E3779B97F4A7C15u);
    hash = mix(hash ^ (a + 0x9E3779B97F4A7C15u));
    return mix(hash ^ (b + 0xBF58476D1CE4E5B9u));
}

struct base_rng base_rng_make(uint64_t seed, const char *name, uint64_t a, uint64_t b)
{
    return (struct base_rng){.seed = seed, .stream = base_rng_stream(name, a, b)};
}

uint32_t base_rng_u32(struct base_rng *rng)
{
    uint32_t words[4];

    draw_block(rng, rng->next / 4, words);
    return words[rng->next++ % 4];
}

/* Two draws, from one evaluation where both lie in one block. */
static void draw_pair(struct base_rng *rng, uint32_t out[2])
{
    uint32_t words[4];
    unsigned at = (unsigned)(rng->next % 4);

    draw_block(rng, rng->next / 4, words);
    out[0] = words[at];
    if (at == 3) {
        draw_block(rng, rng->next / 4 + 1, words);
        out[1] = words[0];
    } else {
        out[1] = words[at + 1];
    }
    rng->next += 2;
}

double base_rng_uniform(struct base_rng *rng)
{
    uint32_t w[2];

    draw_pair(rng, w);
    return ((double)(w[0] >> 5) * 67108864.0 + (double)(w[1] >> 6)) * (1.0 / 9007199254740992.0);
}

double base_rng_normal(struct base_rng *rng)
{
    double u = 1.0 - base_rng_uniform(rng); /* (0, 1]: the logarithm stays finite */
    double v = base_rng_uniform(rng);

    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

uint32_t base_rng_below(struct base_rng *rng, uint32_t n)
{
    uint32_t refuse; /* that many lowest products make some results likelier (Lemire 2019) */
    uint64_t product;

    assert(n > 0);
    refuse = (0u - n) % n;
    do {
        product = (uint64_t)base_rng_u32(rng) * n;
    } while ((uint32_t)product < refuse);
    return (uint32_t)(product >> 32);
}

void base_rng_shuffle(struct base_rng *rng, uint32_t *items, size_t count)
{
    assert(count <= UINT32_MAX);
    for (size_t i = count; i > 1; i--) {
        uint32_t j = base_rng_below(rng, (uint32_t)i);
        uint32_t item = items[i - 1];

        items[i - 1] = items[j];
        items[j] = item;
    }
}
