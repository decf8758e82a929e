/* check.h: the few macros that test programs share. A failed CHECK prints and counts; main returns check_result(). */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <math.h>
#include <stdio.h>
#include <string.h>

static int check_failures;
static int check_count;

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        check_count++;                                                                                                 \
        if (!(cond)) {                                                                                                 \
            check_failures++;                                                                                          \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #cond);                                         \
        }                                                                                                              \
    } while (0)

#define CHECK_EQ(a, b)                                                                                                 \
    do {                                                                                                               \
        long long check_a = (long long)(a), check_b = (long long)(b);                                                  \
        check_count++;                                                                                                 \
        if (check_a != check_b) {                                                                                      \
            check_failures++;                                                                                          \
            fprintf(stderr, "%s:%d: %s is %lld, not %s = %lld\n", __FILE__, __LINE__, #a, check_a, #b, check_b);       \
        }                                                                                                              \
    } while (0)

#define CHECK_STR(a, b)                                                                                                \
    do {                                                                                                               \
        const char *check_a = (a), *check_b = (b);                                                                     \
        check_count++;                                                                                                 \
        if (!check_a || !check_b || strcmp(check_a, check_b) != 0) {                                                   \
            check_failures++;                                                                                          \
            fprintf(stderr, "%s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #a, check_a ? check_a : "NULL",   \
                    check_b ? check_b : "NULL");                                                                       \
        }                                                                                                              \
    } while (0)

#define CHECK_NEAR(a, b, eps)                                                                                          \
    do {                                                                                                               \
        double check_a = (a), check_b = (b);                                                                           \
        check_count++;                                                                                                 \
        if (!(fabs(check_a - check_b) <= (eps))) {                                                                     \
            check_failures++;                                                                                          \
            fprintf(stderr, "%s:%d: %s is %.9g, not %.9g within %g\n", __FILE__, __LINE__, #a, check_a, check_b,       \
                    (double)(eps));                                                                                    \
        }                                                                                                              \
    } while (0)

/* Exit status for main; says how many checks ran. */
/* The greater of the two, a where b is no number. For maxima over arrays: a loop that is nothing but m = fmax(m,
 * |float|) ends GCC 12 for AArch64 with an internal error. */
static inline double check_larger(double a, double b)
{
    return b > a ? b : a;
}

static inline int check_result(void)
{
    printf("%d checks, %d failed\n", check_count, check_failures);
    return check_failures ? 1 : 0;
}

#define CHECK_SKIP(...)                                                                                                \
    do {                                                                                                               \
        printf("skipped: " __VA_ARGS__);                                                                               \
        printf("\n");                                                                                                  \
        return 77;                                                                                                     \
    } while (0)

#endif
