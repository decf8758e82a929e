#version 450
// Spills on every GPU: 40 matrices, 640 floats, are alive through a loop of unknown length. Whoever looks for spills
// must find them here.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer X { mat4 x[]; };
layout(binding = 1) writeonly buffer Y { mat4 y[]; };
layout(push_constant) uniform Args { uint rounds; };

#define EACH(F) \
    F(a0, a1) F(a1, a2) F(a2, a3) F(a3, a4) F(a4, a5) F(a5, a6) F(a6, a7) F(a7, a8) \
    F(a8, a9) F(a9, a10) F(a10, a11) F(a11, a12) F(a12, a13) F(a13, a14) F(a14, a15) F(a15, a16) \
    F(a16, a17) F(a17, a18) F(a18, a19) F(a19, a20) F(a20, a21) F(a21, a22) F(a22, a23) F(a23, a24) \
    F(a24, a25) F(a25, a26) F(a26, a27) F(a27, a28) F(a28, a29) F(a29, a30) F(a30, a31) F(a31, a32) \
    F(a32, a33) F(a33, a34) F(a34, a35) F(a35, a36) F(a36, a37) F(a37, a38) F(a38, a39) F(a39, a0)

#define LOAD(m, next) mat4 m = x[at++];
#define STEP(m, next) m = matrixCompMult(m, next) + x[k];
#define STORE(m, next) y[at++] = m;

void main()
{
    uint first = gl_GlobalInvocationID.x * 40, at = first;
    EACH(LOAD)
    for (uint k = 0; k < rounds; k++) {
        EACH(STEP)
    }
    at = first;
    EACH(STORE)
}
