/* clock.h: time. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

uint64_t base_clock_ns(void);    /* monotonic, nanoseconds from an arbitrary start */
double base_clock_seconds(void); /* the same in seconds */
void base_sleep_ms(uint32_t ms);

#endif
