/* base.h: what every room uses; knows no GPU. Includes the parts. */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/crc32.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/half.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/process.h"
#include "base/rng.h"
#include "base/sized.h"
#include "base/source.h"
#include "base/stage.h"
#include "base/status.h"
#include "base/sums.h"
#include "base/system.h"
#include "base/text.h"
#include "base/thread.h"
#include "base/trace.h"

#define BASE_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BASE_MIN(a, b) ((a) < (b) ? (a) : (b))
#define BASE_MAX(a, b) ((a) > (b) ? (a) : (b))

/* x rounded up to a multiple of a (a > 0). */
static inline uint64_t base_round_up(uint64_t x, uint64_t a)
{
    return (x + a - 1) / a * a;
}

static inline uint64_t base_div_up(uint64_t x, uint64_t a)
{
    return (x + a - 1) / a;
}

#endif
