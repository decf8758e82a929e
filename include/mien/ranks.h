/* mien/ranks.h: several processes that work as one, each on a device of its own, over MPI.
 *
 * Whoever starts them says so in the environment; read is what open_clip reads, the first of
 *   OMPI_COMM_WORLD_RANK, _SIZE, _LOCAL_RANK    Open MPI's mpirun
 *   PMI_RANK, PMI_SIZE, MPI_LOCALRANKID         MPICH's, and its like
 *   SLURM_PROCID, SLURM_NTASKS, SLURM_LOCALID   srun
 *   RANK, WORLD_SIZE, LOCAL_RANK                others
 * MPI is in a module beside the library (mien/mien-mpi.so, built where CMake has found an MPI) that is loaded, and
 * started, by mien_ranks_open alone, and only where there is more than one rank. Where that module is not there, or
 * belongs to another MPI than the one that has started this process, a library of the MPI 5 standard's ABI
 * (libmpi_abi.so) serves. MIEN_MPI_MODULE=FILE names a module.
 *
 * Threads: the thread that opens ranks uses them. */
#ifndef MIEN_RANKS_H
#define MIEN_RANKS_H

#include "mien/common.h"

#ifdef __cplusplus
extern "C" {
#endif

/* This process among those that work together. MPI starts once in a process: so does this. */
struct mien_ranks;

struct mien_ranks_info {
    size_t size;
    uint32_t rank, count; /* rank below count */
    uint32_t local;       /* among those of this machine, as the environment says */
    char started_by[32];  /* "Open MPI", "MPICH", "Slurm", "RANK" */
    char engine[128];     /* the MPI library's name and version, in one line */
};

/* *out is NULL, with MIEN_OK, where the environment names no ranks, or one. MIEN_ERR_ARG: its numbers make no sense;
 * this build is without MPI, or the library is not there (the message says what to install); MPI counts other ranks
 * than the environment: the process was started by another MPI. MIEN_ERR_FAILED: MPI could not be started. *out is NULL
 * after a failure. */
MIEN_API enum mien_status mien_ranks_open(struct mien_ranks **out);

/* NULL: one rank. */
MIEN_API void mien_ranks_describe(const struct mien_ranks *ranks, struct mien_ranks_info *info);

/* The number, as in mien_gpu_list, of the device that this rank takes where nobody has named one: ranks of a machine
 * take the devices of the best type (discrete, integrated, software) in turn. Ranks that share one are told of by a
 * warning, unless it is a software driver. `caps` as in mien_gpu_list, whose errors these are; MIEN_ERR_NO_DEVICE also
 * where there is none that Mien can use. */
MIEN_API enum mien_status mien_ranks_device(const struct mien_ranks *ranks, const char *caps, uint32_t *index);

/* Ends all ranks at once, this one too, with an exit status; for a rank that cannot go on: the others wait for it in
 * vain. Does not come back where there are ranks. */
MIEN_API void mien_ranks_abort(struct mien_ranks *ranks, int exit_status);

/* Waits for the others, ends MPI, frees, clears; accepts NULL. Afterwards none can be opened in this process. */
MIEN_API void mien_ranks_close(struct mien_ranks **ranks);

#ifdef __cplusplus
}
#endif
#endif
