/* mpi.c: the engine over MPI. A module of its own, compiled against the MPI that CMake has found, or (MIEN_MPI_ABI)
 * against the MPI 5 standard's ABI. */
#ifdef MIEN_MPI_ABI
#include "dist/mpi/abi.h"
#define KIND "ABI"
#else
#include <mpi.h>
#ifdef OPEN_MPI
#define KIND "Open MPI"
#else
#define KIND "MPICH"
#endif
#endif

#include "dist/engine.h"

#include <string.h>

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        int tried = (call);                                                                                            \
        if (tried != MPI_SUCCESS)                                                                                      \
            return tried;                                                                                              \
    } while (0)

static int start(int *rank, int *count, char *library, size_t size)
{
    char text[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0, provided = 0, begun = 0;
    TRY(MPI_Initialized(&begun));
    if (!begun)
        TRY(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided));
    TRY(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    TRY(MPI_Comm_rank(MPI_COMM_WORLD, rank));
    TRY(MPI_Comm_size(MPI_COMM_WORLD, count));
    TRY(MPI_Get_library_version(text, &length));
    text[strcspn(text, ",\n")] = 0;
    size_t kept = strlen(text) < size ? strlen(text) : size - 1;
    memcpy(library, text, kept);
    library[kept] = 0;
    for (char *c = library; *c; c++)
        *c = *c == '\t' ? ' ' : *c;
    return MPI_SUCCESS;
}

static int finish(void)
{
    return MPI_Finalize();
}

static void give_up(int exit_status)
{
    (void)MPI_Abort(MPI_COMM_WORLD, exit_status);
}

static void explain(int error, char *text, size_t size)
{
    char message[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    (void)MPI_Error_string(error, message, &length);
    message[strcspn(message, "\n")] = 0;
    size_t kept = strlen(message) < size ? strlen(message) : size - 1;
    memcpy(text, message, kept);
    text[kept] = 0;
}

static int barrier(void)
{
    return MPI_Barrier(MPI_COMM_WORLD);
}

static int broadcast(void *words, int count, int root)
{
    return MPI_Bcast(words, count, MPI_INT32_T, root, MPI_COMM_WORLD);
}

static int gather(const void *words, int count, void *all)
{
    return MPI_Allgather(words, count, MPI_INT32_T, all, count, MPI_INT32_T, MPI_COMM_WORLD);
}

static int scatter(const void *words, const int *counts, const int *at, void *all, int own)
{
    enum { MOST_RANKS = 4096 };
    static int each[MOST_RANKS], place[MOST_RANKS]; /* one thread uses MPI */
    int ranks = 0;
    TRY(MPI_Comm_size(MPI_COMM_WORLD, &ranks));
    if (ranks > MOST_RANKS)
        return MPI_ERR_COUNT;
    for (int r = 0; r < ranks; r++) {
        each[r] = own;
        place[r] = r * own;
    }
    return MPI_Alltoallv(words, counts, at, MPI_INT32_T, all, each, place, MPI_INT32_T, MPI_COMM_WORLD);
}

static int collect(void *words, const int *counts, const int *at)
{
    return MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_INT32_T, words, counts, at, MPI_INT32_T, MPI_COMM_WORLD);
}

__attribute__((visibility("default"))) const struct dist_engine *mien_dist_engine(void);

const struct dist_engine *mien_dist_engine(void)
{
    static const struct dist_engine engine = {.version = DIST_ENGINE_VERSION,
                                              .kind = KIND,
                                              .start = start,
                                              .finish = finish,
                                              .end_all = give_up,
                                              .explain = explain,
                                              .barrier = barrier,
                                              .broadcast = broadcast,
                                              .gather = gather,
                                              .scatter = scatter,
                                              .collect = collect};
    return &engine;
}
