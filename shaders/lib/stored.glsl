/* stored.glsl: tensors stored as f32, f16 or bf16, as FORMATS says, two bits for each slot (args/formats.h; set by
 * op_dispatch_formats): one module for all of them, of which the driver keeps what the constant asks for. 16-bit
 * elements stand two in a word, the first in its lower half, and no 16-bit storage is needed. A kernel names the
 * constant before it includes this: #define FORMATS_ID 10
 *
 * READ_STORED(slot, x): x4(i), the i-th four elements as a vec4, and x1(i), one element as a float.
 * WRITE_STORED(slot, y): y4[i] and y1[i] where y is f32; where it is not, y_four[i] = halves(STORED_AS(slot), v), v a
 *   vec4: then rows come in fours. store_y(i, v), a vec4 or a float, does either.
 * READ_FOURS(slot, x): x4(i) alone; with TECH_TEXEL through the texture cache, of f32 only.
 * STORED_AS(slot): FORMAT_F32, ..._F16 or ..._BF16.
 *
 * Numerics: stores round to nearest, ties to even, on every device (lib/half.glsl). Loads are exact, but f16 numbers
 * below 2^-14 may count as 0: whether unpackHalf2x16 keeps them is the device's choice. */
#ifndef LIB_STORED_GLSL
#define LIB_STORED_GLSL

#include "args/formats.h"
#include "lib/common.glsl"
#include "lib/half.glsl"

layout(constant_id = FORMATS_ID) const uint FORMATS = 0;

#define STORED_AS(slot) (FORMATS >> FORMAT_BITS * slot & 3u)

vec2 two(uint format, uint word)
{
    return format == FORMAT_F16 ? unpackHalf2x16(word)
                                : vec2(uintBitsToFloat(word << 16), uintBitsToFloat(word & 0xffff0000u));
}

vec4 four(uint format, uvec2 words)
{
    return vec4(two(format, words.x), two(format, words.y));
}

float one(uint format, uint word, uint i) // the i-th element
{
    return two(format, word >> i % 2 * 16).x;
}

uint one_half(uint format, float v)
{
    uint bits = floatBitsToUint(v);
    return format == FORMAT_F16 ? f16_of_f32(bits) : bf16_of_f32(bits);
}

uvec2 halves(uint format, vec4 v)
{
    return uvec2(one_half(format, v.x) | one_half(format, v.y) << 16,
                 one_half(format, v.z) | one_half(format, v.w) << 16);
}

#define READ_STORED(slot, name)                                                                                        \
    READ_BUFFER(slot, vec4, name##_vec4);                                                                              \
    READ_BUFFER(slot, float, name##_float);                                                                            \
    READ_BUFFER(slot, uvec2, name##_words);                                                                            \
    READ_BUFFER(slot, uint, name##_word);                                                                              \
    vec4 name##4(uint i)                                                                                               \
    {                                                                                                                  \
        return STORED_AS(slot) == FORMAT_F32 ? name##_vec4[i] : four(STORED_AS(slot), name##_words[i]);                \
    }                                                                                                                  \
    float name##1(uint i)                                                                                              \
    {                                                                                                                  \
        return STORED_AS(slot) == FORMAT_F32 ? name##_float[i] : one(STORED_AS(slot), name##_word[i / 2], i);          \
    }

#ifdef TECH_TEXEL
#define READ_FOURS(slot, name)                                                                                         \
    READ_QUADS(slot, name)                                                                                             \
    vec4 name##4(uint i)                                                                                               \
    {                                                                                                                  \
        return name##_quad(i);                                                                                         \
    }
#else
#define READ_FOURS(slot, name) READ_STORED(slot, name)
#endif

#define WRITE_STORED(slot, name)                                                                                       \
    WRITE_BUFFER(slot, vec4, name##4);                                                                                 \
    WRITE_BUFFER(slot, float, name##1);                                                                                \
    WRITE_BUFFER(slot, uvec2, name##_four);                                                                            \
    void store_##name(uint i, vec4 v)                                                                                  \
    {                                                                                                                  \
        if (STORED_AS(slot) == FORMAT_F32)                                                                             \
            name##4[i] = v;                                                                                            \
        else                                                                                                           \
            name##_four[i] = halves(STORED_AS(slot), v);                                                               \
    }                                                                                                                  \
    void store_##name(uint i, float v)                                                                                 \
    {                                                                                                                  \
        name##1[i] = v;                                                                                                \
    }

#endif
