#version 450
#extension GL_KHR_shader_subgroup_basic : require
// y[i] = the subgroup size that the shader sees.
layout(local_size_x_id = 0, local_size_y_id = 1, local_size_z_id = 2) in;
layout(binding = 0) writeonly buffer Y {
    uint y[];
};

void main()
{
    y[gl_GlobalInvocationID.x] = gl_SubgroupSize;
}
