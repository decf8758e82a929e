/* units.h: inside eval: sentences about facial action units (FACS, Ekman and Friesen 1978), in words of our own. */
#ifndef EVAL_UNITS_H
#define EVAL_UNITS_H

#include "base/base.h"

/* A unit's sentences. */
struct eval_unit {
    uint32_t number;
    const char *present, *absent;
};

/* The number in a name: "AU12", "au12", "12" -> 12; 0 of another name ("AU12L", "smile"). */
uint32_t eval_unit_number(const char *name);
/* The sentences of a unit; NULL where there are none for it. */
const struct eval_unit *eval_unit_find(const char *name);
/* qsort's order of names: by number, then by bytes; names without a number last. a and b point to const char *. */
int eval_unit_order(const void *a, const void *b);

#endif
