#version 450
// Planted for `metal`, one at a time by a define: what SPIRV-Cross translates without an error, and Metal gets wrong or
// does not know.
#extension GL_KHR_shader_subgroup_arithmetic : enable
#extension GL_KHR_shader_subgroup_clustered : enable
#extension GL_EXT_shader_atomic_float : enable
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : enable
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) buffer Y { float y[]; };
#ifdef PLANT_ARRAY
layout(constant_id = 3) const uint N = 4;
shared float tile[N * 2];
#endif

void main()
{
    uint i = gl_GlobalInvocationID.x;
    float v = x[i];
#if defined(PLANT_NONE)
    y[i] = v;
#elif defined(PLANT_CLUSTERED)
    y[i] = subgroupClusteredAdd(v, 4);
#elif defined(PLANT_SCAN)
    y[i] = subgroupInclusiveAdd(v);
#elif defined(PLANT_ATOMIC)
    atomicAdd(y[i / 2], v);
#elif defined(PLANT_NAN)
    y[i] = isnan(v) ? 0 : v;
#elif defined(PLANT_SELF)
    y[i] = v != v ? 0 : v;
#elif defined(PLANT_INT64)
    y[i] = float((uint64_t(i) * 3) >> 32) + v;
#elif defined(PLANT_FENCE)
    y[i] = v;
    memoryBarrierBuffer();
    y[i + 1] = v;
#elif defined(PLANT_LENGTH)
    y[i] = float(x.length());
#elif defined(PLANT_FUNCTION)
    y[i] = atan(v);
#elif defined(PLANT_ARRAY)
    tile[i % N] = v;
    barrier();
    y[i] = tile[(i + 1) % N];
#endif
}
