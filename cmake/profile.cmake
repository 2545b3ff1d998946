# Release builds are guided by a profile of calls under load (docs/decisions/0015): what calls run is laid out for them,
# and inlined where it is worth it. scripts/train.sh makes the profile anew. Functions that have changed since it was made,
# or that no call ran, are compiled as without one.
option(TOLLGATE_TRAIN "Build what writes profiles (scripts/train.sh)" OFF)
set(profile ${CMAKE_CURRENT_LIST_DIR}/serve.profdata)
add_library(tollgate_guided INTERFACE)  # what every library of ours and the program are compiled with
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 19)
  # Functions of one file are known by the file's name without its folder, so that it does not matter where this lies.
  set(named "SHELL:-mllvm -static-func-full-module-prefix=false")
  if(TOLLGATE_TRAIN)
    target_compile_options(tollgate_guided INTERFACE -fprofile-generate -fprofile-update=atomic ${named})
    target_link_options(tollgate_guided INTERFACE -fprofile-generate)
  elseif(CMAKE_BUILD_TYPE STREQUAL "Release" AND EXISTS ${profile})
    # A copy that is named after what it holds: with another profile everything is compiled anew.
    file(SHA256 ${profile} hash)
    configure_file(${profile} ${PROJECT_BINARY_DIR}/serve-${hash}.profdata COPYONLY)
    target_compile_options(tollgate_guided INTERFACE
      -fprofile-use=${PROJECT_BINARY_DIR}/serve-${hash}.profdata ${named} -Wno-backend-plugin)  # "has changed since"
  endif()
endif()
