/* number.h: the one way of numbers into JSON. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

enum { BASE_NUMBER_SIZE = 40 };

/* Whatever the locale: in the fewest digits that read back as the same double, or (digits > 0) with so many significant
 * ones; what is not finite, which JSON cannot say, becomes null. Returns out. */
const char *base_number_text(double value, int digits, char out[BASE_NUMBER_SIZE]);

#endif
