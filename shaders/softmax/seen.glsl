// How many elements of a row take part.
#include "args/softmax.h"

uint seen_by(softmax_args p, uint row)
{
    return p.tokens != 0 ? (p.first + row) % p.tokens + 1 : p.width;
}
