#version 450
// y[i] = a * x[i] + b, i below n; b is specialisation constant 8.
layout(local_size_x_id = 0, local_size_y_id = 1, local_size_z_id = 2) in;
layout(constant_id = 8) const int b = 0;
layout(push_constant) uniform Args {
    uint n;
    float a;
};
layout(binding = 0) readonly buffer X {
    float x[];
};
layout(binding = 1) writeonly buffer Y {
    float y[];
};

void main()
{
    uint i = gl_GlobalInvocationID.x;
    if (i < n)
        y[i] = a * x[i] + float(b);
}
