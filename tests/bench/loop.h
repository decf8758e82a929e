/* loop.h: the yardstick: what a C programmer gets from the compiler alone. */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

#include <stdint.h>

/* c[m,n] = a[m,k] . b[k,n], all processors. */
void loop_matmul(uint32_t m, uint32_t n, uint32_t k, const float *a, const float *b, float *c);

#endif
