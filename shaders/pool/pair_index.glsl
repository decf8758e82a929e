// pair_index.glsl: who owns what in shaders/pool: an invocation owns one pair (image, sentence), neighbours have
// neighbouring sentences of one image. A pair's values over the image's patches stand p.texts apart in [n,G,M].
#include "lib/cut.glsl"
#include "args/pool.h"

PUSH(pool_args, p);

// Where the values of a pair begin.
uint pair_begin(uint pair)
{
    return pair / p.texts * p.patches * p.texts + pair % p.texts;
}
