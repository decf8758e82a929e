// The block of a workgroup: a run of a tensor's elements, which begins at multiples of 4 elements in the buffers of
// parameters, moments and gradients. EACH_OF_BLOCK does STEP(v, i, j, k) and KEEP over it: positions in these three;
// quads side by side, in rounds (lib/round.glsl), the last one to three elements by the first invocation.
uint block_word(uint word)
{
    return uint(blocks[group_1d() * OPTIM_BLOCK_WORDS + word]);
}

float block_rate(uint word)
{
    return uintBitsToFloat(block_word(word));
}

#define BLOCK_ROUND(all)                                                                                               \
    {                                                                                                                  \
        T4 value[ROUND];                                                                                               \
        ROUND_EACH(t)                                                                                                  \
        {                                                                                                              \
            uint at = round_place(all, i + t * gl_WorkGroupSize.x, quads);                                             \
            value[t] = STEP(4, param_at / 4 + at, moment_at / 4 + at, grad_at / 4 + at);                               \
        }                                                                                                              \
        ROUND_EACH(t)                                                                                                  \
        {                                                                                                              \
            uint at = i + t * gl_WorkGroupSize.x;                                                                      \
            if (round_counts(all, at, quads)) {                                                                        \
                KEEP(4, param_at / 4 + at, moment_at / 4 + at, value[t]);                                              \
            }                                                                                                          \
        }                                                                                                              \
    }

#define EACH_OF_BLOCK                                                                                                  \
    uint param_at = block_word(OPTIM_BLOCK_PARAM), moment_at = block_word(OPTIM_BLOCK_MOMENT);                         \
    uint grad_at = block_word(OPTIM_BLOCK_GRAD), count = block_word(OPTIM_BLOCK_COUNT), quads = count / 4;             \
    if (gl_LocalInvocationID.x == 0) {                                                                                 \
        [[unroll]] for (uint t = 0; t < 3; t++) {                                                                      \
            uint i = quads * 4 + t;                                                                                    \
            if (i < count) {                                                                                           \
                T1 value = STEP(1, param_at + i, moment_at + i, grad_at + i);                                          \
                KEEP(1, param_at + i, moment_at + i, value);                                                           \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    uint i = gl_LocalInvocationID.x;                                                                                   \
    for (; i + (ROUND - 1) * gl_WorkGroupSize.x < quads; i += ROUND * gl_WorkGroupSize.x)                              \
        BLOCK_ROUND(true)                                                                                              \
    if (ROUND != 1 && i < quads)                                                                                       \
        BLOCK_ROUND(false)
