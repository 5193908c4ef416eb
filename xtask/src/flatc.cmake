# Settings for the build of the FlatBuffers compiler, given to cmake as its toolchain file: the
# compiler alone, not its tests and library, and not optimised, for it runs for a second.
set(FLATBUFFERS_BUILD_TESTS OFF CACHE BOOL "")
set(FLATBUFFERS_BUILD_FLATLIB OFF CACHE BOOL "")
set(CMAKE_CXX_FLAGS_RELEASE "-O0" CACHE STRING "")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O0" CACHE STRING "")
