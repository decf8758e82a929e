# Ranks over MPI: modules beside the library, which loads them where mpirun has started it (src/dist/load.c).
# The library itself is linked with no MPI.

option(MIEN_MPI "Build the module for several ranks over MPI where one is found" ON)
set(MIEN_HAVE_MPI OFF)
if(MIEN_MPI)
    find_package(MPI QUIET COMPONENTS C)
    if(MPI_C_FOUND)
        set(MIEN_HAVE_MPI ON)
    else()
        message(STATUS "MPI not found: mien trains on one device, or on several over a libmpi_abi.so (MPI 5)")
    endif()
endif()

function(mien_mpi_module name)
    add_library(${name} MODULE ${CMAKE_SOURCE_DIR}/src/dist/mpi/mpi.c)
    set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX .so LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/mien
                          # where the MPI lies, and no more: a padded path would lead to the working directory
                          BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "" INSTALL_RPATH_USE_LINK_PATH ON)
    target_link_libraries(${name} PRIVATE mien_flags ${ARGN})
    install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/mien)
endfunction()

function(mien_mpi)
    if(MIEN_HAVE_MPI)
        mien_mpi_module(mien-mpi MPI::MPI_C)
    endif()
    if(MIEN_MPI)
        mien_mpi_module(mien-mpi-abi) # what it calls comes from the libmpi_abi.so that is loaded before it
        target_compile_definitions(mien-mpi-abi PRIVATE MIEN_MPI_ABI)
    endif()
endfunction()
