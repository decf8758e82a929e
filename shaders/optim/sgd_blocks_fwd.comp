#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one step of gradient descent with momentum of many tensors, in place, in one dispatch.
// Each workgroup owns one block of a tensor, as a table says (optim/blocks.glsl), each invocation quads of it.
// Numerics: fp32.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/optim.h"

layout(constant_id = 8) const uint HAS_FACTOR = 0;

UPDATE_ELEMENTS(0, param);
UPDATE_ELEMENTS(1, velocity);
READ_ELEMENTS(2, grad);
READ_BUFFER(3, int, blocks);   // [B,OPTIM_BLOCK_WORDS]
READ_BUFFER(4, float, hyper);  // [HYPER_COUNT]
READ_BUFFER(5, float, factor); // [2]: norm, factor; another tensor when there is none
PUSH(optim_blocks_args, p);

#include "optim/sgd.glsl"
#include "optim/blocks.glsl"

void main()
{
    if (group_1d() >= p.blocks)
        return;
    SGD_RATES(block_rate(OPTIM_BLOCK_LR_SCALE), block_rate(OPTIM_BLOCK_DECAY));
    if (clip == 0) // the step is left out (loss_scale)
        return;
    EACH_OF_BLOCK
}
