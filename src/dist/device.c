/* device.c: which device a rank takes. */
#include "dist/dist.h"
#include "mien/gpu.h"

#include <string.h>

enum mien_status dist_device_choose(const struct mien_gpu_info *infos, uint32_t count, uint32_t best, uint32_t rank,
                                    uint32_t local, uint32_t *index)
{
    enum mien_status status = MIEN_OK;
    uint32_t same = 0;
    *index = 0;
    for (uint32_t i = 0; i < count; i++)
        same += strcmp(infos[i].type, infos[best].type) == 0 && !infos[i].missing[0];
    FAIL_IF(same == 0, MIEN_ERR_NO_DEVICE, "rank %u: none of the %u devices of this machine can be used: %s", rank,
            count, count ? infos[best].missing : "there is none");
    if (local >= same && strcmp(infos[best].type, "software") != 0)
        LOG_WARN("rank %u is number %u of its machine, which has %u device%s of type %s: it shares one, which gains "
                 "nothing; start as many ranks as there are devices",
                 rank, local + 1, same, same == 1 ? "" : "s", infos[best].type);
    uint32_t wanted = local % same;
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(infos[i].type, infos[best].type) == 0 && !infos[i].missing[0] && wanted-- == 0) {
            *index = i;
            break;
        }
    }
fail:
    return status;
}

enum mien_status mien_ranks_device(const struct mien_ranks *ranks, const char *caps, uint32_t *index)
{
    enum { MOST = 64 };
    enum mien_status status = MIEN_OK;
    struct mien_gpu_info *infos = NULL;
    uint32_t count = 0, best = 0;
    NEED(index);
    *index = 0;
    infos = base_alloc(MOST, sizeof(*infos));
    FAIL_IF_NULL(infos, "a list of devices");
    infos[0].size = sizeof(*infos);
    TRY(mien_gpu_list(caps, infos, MOST, &count));
    TRY(mien_gpu_find("", &best));
    TRY(dist_device_choose(infos, BASE_MIN(count, (uint32_t)MOST), best, dist_rank(ranks),
                           ranks ? ranks->place.local : 0, index));
fail:
    base_free(infos);
    return status;
}
