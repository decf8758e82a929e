#version 450
// y[0] = the result of n steps that cannot be skipped: work that takes long when there are many workgroups.
layout(local_size_x = 1) in;
layout(push_constant) uniform Args {
    uint n;
};
layout(binding = 0) writeonly buffer Y {
    uint y[];
};

void main()
{
    uint v = gl_WorkGroupID.x;
    for (uint i = 0; i < n; i++)
        v = v * 1664525u + (v >> 7) + i;
    if (gl_WorkGroupID.x == 0)
        y[0] = v;
}
