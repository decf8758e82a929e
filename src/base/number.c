/* number.c: doubles as JSON has them. */
#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A locale's decimal point, of one byte or more, becomes '.': nothing else in a number is neither digit, sign nor e. */
static void set_point(char *text)
{
    char *from = text + strspn(text, "0123456789+-e"), *end = from;
    while (*end && !strchr("0123456789+-e", *end))
        end++;
    if (end == from)
        return;
    *from = '.';
    memmove(from + 1, end, strlen(end) + 1);
}

/* The shortest of %.6g to %.17g that reads back as the same double; whole numbers in full. */
static void print_shortest(double value, char out[BASE_NUMBER_SIZE])
{
    if (value == floor(value) && fabs(value) < 9007199254740992.0 && !(value == 0.0 && signbit(value))) {
        snprintf(out, BASE_NUMBER_SIZE, "%.0f", value);
        return;
    }
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(out, BASE_NUMBER_SIZE, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            return;
    }
}

const char *base_number_text(double value, int digits, char out[BASE_NUMBER_SIZE])
{
    if (!isfinite(value))
        return strcpy(out, "null");
    if (digits > 0)
        snprintf(out, BASE_NUMBER_SIZE, "%.*g", digits < 17 ? digits : 17, value);
    else
        print_shortest(value, out);
    set_point(out);
    return out;
}
