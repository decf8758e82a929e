// The block of a workgroup: a run of a tensor's elements, which begins at multiples of 4 elements in the buffers of
// parameters, moments and gradients. EACH_OF_BLOCK runs UPDATE(v, i, j, k) over it: positions in these three; quads
// side by side, the last one to three elements by the first invocation.
uint block_word(uint word)
{
    return uint(blocks[group_1d() * OPTIM_BLOCK_WORDS + word]);
}

float block_rate(uint word)
{
    return uintBitsToFloat(block_word(word));
}

#define EACH_OF_BLOCK                                                                                                  \
    uint param_at = block_word(OPTIM_BLOCK_PARAM), moment_at = block_word(OPTIM_BLOCK_MOMENT);                         \
    uint grad_at = block_word(OPTIM_BLOCK_GRAD), count = block_word(OPTIM_BLOCK_COUNT), quads = count / 4;             \
    for (uint i = quads * 4; i < count && gl_LocalInvocationID.x == 0; i++) {                                          \
        UPDATE(1, param_at + i, moment_at + i, grad_at + i);                                                           \
    }                                                                                                                  \
    for (uint i = gl_LocalInvocationID.x; i < quads; i += gl_WorkGroupSize.x) {                                        \
        UPDATE(4, param_at / 4 + i, moment_at / 4 + i, grad_at / 4 + i);                                               \
    }
