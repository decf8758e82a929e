#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: clip_factor of gradients that are S times too large, and what becomes of S (src/op/loss_scale.c).
// One workgroup owns all; lane l adds elements l, l + local size, ...; its first lane does the rest.
// Numerics: sums carried as two floats (lib/pair.glsl); S is a power of two, so that to divide by it is exact. What is
// not finite is told by its bits: compilers may assume that nothing is.
#extension GL_GOOGLE_include_directive : require
#include "lib/pair_row.glsl"
#include "args/optim.h"

UPDATE_BUFFER(0, float, scaler);  // [SCALER_COUNT]
READ_BUFFER(1, float, partial);   // [T,64]
READ_BUFFER(2, float, hyper);     // [HYPER_COUNT]
WRITE_BUFFER(3, float, clipping); // [2]: norm, factor
WRITE_BUFFER(4, float, settings); // [HYPER_COUNT]
PUSH(clip_args, p);

const uint INFINITE = 0x7f800000;

void rescale(float scale, bool good)
{
    float streak = good ? scaler[SCALER_GOOD] + 1 : 0;
    bool grows = streak >= SCALER_EVERY;
    scaler[SCALER_USED] = scale;
    scaler[SCALER_SCALE] = !good ? max(scale * 0.5, SCALER_LEAST) : grows ? min(scale * 2, SCALER_MOST) : scale;
    scaler[SCALER_GOOD] = grows ? 0 : streak;
    scaler[SCALER_SKIPPED] += good ? 0 : 1;
}

// 1 - beta^t by its step: 1 - beta^t = beta (1 - beta^(t-1)) + (1 - beta)
float correction(uint which, uint beta, uint one_minus_beta, bool good)
{
    float value = scaler[which];
    if (good)
        value = hyper[beta] * value + hyper[one_minus_beta];
    scaler[which] = value;
    return value;
}

void main()
{
    ROW_PAIR_EACH(float, s, i, p.count, partial[i]);
    if (row_lane() != 0)
        return;
    float scale = scaler[SCALER_SCALE], scaled = sqrt(s.x + s.y), norm = scaled / scale, most = hyper[HYPER_MAX_NORM];
    bool good = (floatBitsToUint(scaled) & INFINITE) != INFINITE;
    clipping[0] = good ? norm : uintBitsToFloat(INFINITE);
    clipping[1] = good ? (most > 0 ? min(1, most / (norm + 1e-6)) : 1) / scale : 0;
    rescale(scale, good);
    for (uint k = 0; k < HYPER_COUNT; k++)
        settings[k] = hyper[k];
    settings[HYPER_CORRECTION1] = correction(SCALER_CORRECTION1, HYPER_BETA1, HYPER_ONE_MINUS_BETA1, good);
    settings[HYPER_CORRECTION2_SQRT] = sqrt(correction(SCALER_CORRECTION2, HYPER_BETA2, HYPER_ONE_MINUS_BETA2, good));
}
