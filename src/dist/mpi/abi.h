/* abi.h: of the MPI 5 standard's application binary interface what mpi.c uses: handles and constants as the standard's
 * appendix on the ABI fixes them (mpi-forum.org, MPI 5.0, chapter 20; mpi-abi-stubs has the same header in full). */
#ifndef DIST_MPI_ABI_H
#define DIST_MPI_ABI_H

typedef struct MPI_ABI_Comm *MPI_Comm;
typedef struct MPI_ABI_Datatype *MPI_Datatype;
typedef struct MPI_ABI_Errhandler *MPI_Errhandler;

#define MPI_COMM_WORLD ((MPI_Comm)0x00000101)
#define MPI_INT32_T ((MPI_Datatype)0x00000250)
#define MPI_ERRORS_RETURN ((MPI_Errhandler)0x00000143)
#define MPI_IN_PLACE ((void *)1)

enum {
    MPI_SUCCESS = 0,
    MPI_ERR_COUNT = 2,
    MPI_THREAD_FUNNELED = 1024,
    MPI_MAX_ERROR_STRING = 512,
    MPI_MAX_LIBRARY_VERSION_STRING = 8192,
};

int MPI_Initialized(int *flag);
int MPI_Init_thread(int *argc, char ***argv, int required, int *provided);
int MPI_Finalize(void);
int MPI_Abort(MPI_Comm comm, int code);
int MPI_Error_string(int code, char *text, int *length);
int MPI_Get_library_version(char *text, int *length);
int MPI_Comm_set_errhandler(MPI_Comm comm, MPI_Errhandler handler);
int MPI_Comm_rank(MPI_Comm comm, int *rank);
int MPI_Comm_size(MPI_Comm comm, int *size);
int MPI_Barrier(MPI_Comm comm);
int MPI_Bcast(void *data, int count, MPI_Datatype type, int root, MPI_Comm comm);
int MPI_Allgather(const void *from, int count, MPI_Datatype type, void *to, int to_count, MPI_Datatype to_type,
                  MPI_Comm comm);
int MPI_Allgatherv(const void *from, int count, MPI_Datatype type, void *to, const int *counts, const int *at,
                   MPI_Datatype to_type, MPI_Comm comm);
int MPI_Alltoallv(const void *from, const int *counts, const int *at, MPI_Datatype type, void *to, const int *to_counts,
                  const int *to_at, MPI_Datatype to_type, MPI_Comm comm);

#endif
