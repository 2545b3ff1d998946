# tollgate_options: what every target of the house is compiled with.
add_library(tollgate_options INTERFACE)
target_compile_features(tollgate_options INTERFACE cxx_std_20)
target_include_directories(tollgate_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(tollgate_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast)
# Without NDEBUG a legal chunked body aborts Beast 1.81 (boostorg/beast PR #2861): no configuration may lack it.
target_compile_definitions(tollgate_options INTERFACE
  NDEBUG BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_BEAST_USE_STD_STRING_VIEW
  # Frames of coroutines come from operator new: Asio's default is aligned_alloc, which glibc has no cache for (13 % of a
  # relayed call's instructions, by callgrind). No frame here needs more than operator new's alignment.
  BOOST_ASIO_DISABLE_STD_ALIGNED_ALLOC BOOST_ASIO_DISABLE_BOOST_ALIGN)

target_compile_options(tollgate_options INTERFACE -pthread)  # some libraries ask for it, and all files must agree

option(TOLLGATE_WERROR "Treat warnings as errors (on in every preset)" OFF)
if(TOLLGATE_WERROR)
  target_compile_options(tollgate_options INTERFACE -Werror)
endif()

# Hardening for what runs in production. Sanitizers bring their own checks and dislike _FORTIFY_SOURCE.
set(TOLLGATE_SANITIZE "" CACHE STRING "Sanitizers for every target: 'address,undefined' or 'thread'")
if(TOLLGATE_SANITIZE)
  add_compile_options(-fsanitize=${TOLLGATE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TOLLGATE_SANITIZE})
else()
  add_compile_options(-fstack-protector-strong -fstack-clash-protection)
  add_compile_definitions($<$<CONFIG:Release>:_FORTIFY_SOURCE=2> _GLIBCXX_ASSERTIONS)
  add_link_options(-Wl,-z,relro,-z,now)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
find_program(TOLLGATE_LLD ld.lld-19)
if(TOLLGATE_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(--ld-path=${TOLLGATE_LLD})
endif()
