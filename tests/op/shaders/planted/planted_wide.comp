#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: a fault for the harness to find: more shared memory than a plain kernel may have, in an array whose length is
// an expression over a specialisation constant.
// Numerics: exact.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/elements.h"

READ_ELEMENTS(0, x);
WRITE_ELEMENTS(1, y);
PUSH(elements_args, p);

layout(constant_id = 8) const uint LARGE = 1;
shared float wide[LARGE > 0 ? 5000 : 1];

#define VALUE(v, i) x##v[i]
#define STORE(v, i, value) y##v[i] = value

void main()
{
    wide[gl_LocalInvocationID.x] = float(p.count);
    barrier();
    EACH_ELEMENT(p.count)
    if (wide[0] < 0) // never, but it keeps the array
        y1[0] = 1;
}
