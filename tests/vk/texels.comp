#version 450
// y[i] = x[i] as floats and as words, i below n: x is one texel buffer of vec4, and one of uvec2 (half a vec4 each).
#extension GL_EXT_samplerless_texture_functions : require
layout(local_size_x_id = 0, local_size_y_id = 1, local_size_z_id = 2) in;
layout(push_constant) uniform Args {
    uint n;
};
layout(binding = 0) writeonly buffer Y {
    vec4 y[];
};
layout(binding = 1) uniform textureBuffer quads;
layout(binding = 2) uniform utextureBuffer pairs;
layout(binding = 3) writeonly buffer Z {
    uvec4 z[];
};

void main()
{
    uint i = gl_GlobalInvocationID.x;
    if (i >= n)
        return;
    y[i] = texelFetch(quads, int(i));
    z[i] = uvec4(texelFetch(pairs, int(2 * i)).xy, texelFetch(pairs, int(2 * i + 1)).xy);
}
