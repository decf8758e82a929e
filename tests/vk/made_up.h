/* made_up.h: a device that exists nowhere and can do all, for tests of clamping. */
#ifndef TESTS_VK_MADE_UP_H
#define TESTS_VK_MADE_UP_H

#include "vk/fixture.h"

/* A desktop device whose subgroup size the driver varies from 8 to 32. */
static const struct vk_caps rich_caps = {
    .name = "Made-up",
    .driver = "test",
    .api_version = 1u << 22 | 3u << 12,
    .type = VK_TYPE_DISCRETE,
    .features = (1u << VK_CAP_COUNT) - 1,
    .device_features = (1u << VK_CAP_COUNT) - 1,
    .subgroup_size = 32,
    .subgroup_min = 8,
    .subgroup_max = 32,
    .max_invocations = 1024,
    .max_registers = 256,
    .cores = 96,
    .max_local = {1024, 1024, 64},
    .max_groups = {1u << 31, 65535, 65535},
    .max_shared = 49152,
    .max_push = 256,
    .max_buffers = 1000,
    .max_texels = 1u << 27,
    .max_range = 1ull << 32,
    .max_allocation = 1ull << 32,
    .device_memory = 8ull << 30,
    .compute = true,
    .timeline = true,
    .unified = true,
    .specialises = true,
};

static inline struct vk_caps rich(void)
{
    return rich_caps;
}

/* Equal in all that a clamp may change. (Not memcmp: copying a struct need not copy its padding.) */
static inline bool is_rich(const struct vk_caps *c)
{
    const struct vk_caps *r = &rich_caps;
    return c->features == r->features && c->class_ == r->class_ && c->unified == r->unified &&
           c->specialises == r->specialises && c->subgroup_size == r->subgroup_size &&
           c->subgroup_min == r->subgroup_min && c->subgroup_max == r->subgroup_max &&
           c->max_invocations == r->max_invocations && memcmp(c->max_local, r->max_local, sizeof c->max_local) == 0 &&
           memcmp(c->max_groups, r->max_groups, sizeof c->max_groups) == 0 && c->max_shared == r->max_shared &&
           c->max_push == r->max_push && c->max_buffers == r->max_buffers && c->max_texels == r->max_texels &&
           c->max_range == r->max_range && c->max_allocation == r->max_allocation &&
           c->device_memory == r->device_memory && c->cores == r->cores;
}

#endif
