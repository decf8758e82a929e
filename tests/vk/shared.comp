#version 450
// y[i] = i, through shared memory whose size a specialisation constant decides: 16 N (N + 1) + 16 bytes.
layout(local_size_x_id = 0) in;
layout(constant_id = 3) const uint N = 2;
layout(binding = 0) writeonly buffer Y { uint y[]; };
shared vec4 tile[N * (N + 1)];
shared uint words[4];

void main()
{
    uint i = gl_LocalInvocationID.x;
    tile[i % (N * (N + 1))] = vec4(i);
    words[i % 4] = 0;
    barrier();
    y[i] = words[i % 4] + uint(tile[i % (N * (N + 1))].x);
}
