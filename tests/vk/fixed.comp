#version 450
// A workgroup of 32 x 8, whatever the specialisation constants say.
layout(local_size_x = 32, local_size_y = 8) in;
layout(binding = 0) writeonly buffer Y { uint y[]; };

void main()
{
    y[gl_LocalInvocationIndex] = gl_LocalInvocationIndex;
}
