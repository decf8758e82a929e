// The block of a workgroup: a run of a tensor's elements, which begins at multiples of 4 elements in the buffers of
// parameters, moments and gradients. EACH_OF_BLOCK does STEP(v, i, j, k) and KEEP over it: positions in these three, as
// lib/elements.glsl does.
uint block_word(uint word)
{
    return uint(blocks[group_1d() * OPTIM_BLOCK_WORDS + word]);
}

float block_rate(uint word)
{
    return uintBitsToFloat(block_word(word));
}

#define VALUE(v, i) STEP(v, param_at / v + (i), moment_at / v + (i), grad_at / v + (i))
#define STORE(v, i, value) KEEP(v, param_at / v + (i), moment_at / v + (i), value)

#define EACH_OF_BLOCK                                                                                                  \
    uint param_at = block_word(OPTIM_BLOCK_PARAM), moment_at = block_word(OPTIM_BLOCK_MOMENT);                         \
    uint grad_at = block_word(OPTIM_BLOCK_GRAD);                                                                       \
    EACH_WHILE(block_word(OPTIM_BLOCK_COUNT), gl_LocalInvocationID.x, true)
