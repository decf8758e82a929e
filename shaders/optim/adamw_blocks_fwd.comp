#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one AdamW step of many tensors, in place, in one dispatch; the rates are read from the hyper buffer.
// Each workgroup owns one block of a tensor, as a table says (optim/blocks.glsl), each invocation quads of it.
// Numerics: fp32; bias corrections and 1 - beta come ready from the host, computed in double.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/optim.h"

layout(constant_id = 8) const uint HAS_FACTOR = 0;

UPDATE_ELEMENTS(0, param);
UPDATE_ELEMENTS(1, first_moment);
UPDATE_ELEMENTS(2, second_moment);
READ_ELEMENTS(3, grad);
READ_BUFFER(4, int, blocks);   // [B,OPTIM_BLOCK_WORDS]
READ_BUFFER(5, float, hyper);  // [HYPER_COUNT]
READ_BUFFER(6, float, factor); // [2]: norm, factor; another tensor when there is none
PUSH(optim_blocks_args, p);

#include "optim/adamw.glsl"
#include "optim/blocks.glsl"

void main()
{
    if (group_1d() >= p.blocks)
        return;
    float lr = hyper[HYPER_LR] * block_rate(OPTIM_BLOCK_LR_SCALE);
    ADAMW_RATES(lr, block_rate(OPTIM_BLOCK_DECAY));
    if (clip == 0) // the step is left out (loss_scale)
        return;
    EACH_OF_BLOCK
}
