# Headers of others, parsed once and not by every file: most of what a file of ours costs to compile is parsing Asio or
# GoogleTest. Nothing of ours is in them, so that no edit rebuilds everything, and every file includes what it uses all
# the same: the preset `fuzz` builds without them.
set(TOLLGATE_STD_HEADERS
  <algorithm> <array> <atomic> <charconv> <chrono> <cstdint> <functional> <limits> <map> <memory> <mutex>
  <optional> <set> <span> <string> <string_view> <unordered_map> <utility> <variant> <vector>)
# Who includes these must link tollgate::net, which holds Asio's code.
set(TOLLGATE_ASIO_HEADERS
  <boost/asio/awaitable.hpp> <boost/asio/basic_stream_socket.hpp> <boost/asio/basic_waitable_timer.hpp>
  <boost/asio/co_spawn.hpp> <boost/asio/io_context.hpp> <boost/asio/ip/tcp.hpp> <boost/asio/post.hpp>
  <boost/asio/redirect_error.hpp> <boost/asio/use_awaitable.hpp>)

file(WRITE ${PROJECT_BINARY_DIR}/precompiled.cpp "")

# tollgate_precompiled(NAME HEADER...): a target that others of the same kind reuse.
function(tollgate_precompiled NAME)
  add_library(${NAME} OBJECT EXCLUDE_FROM_ALL ${PROJECT_BINARY_DIR}/precompiled.cpp)
  target_link_libraries(${NAME} PRIVATE tollgate_options)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")  # else ccache finds the time in it (ccache(1), "Precompiled headers")
    target_compile_options(${NAME} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
  target_precompile_headers(${NAME} PRIVATE ${ARGN})
endfunction()

tollgate_precompiled(precompiled_std ${TOLLGATE_STD_HEADERS})
tollgate_precompiled(precompiled_asio ${TOLLGATE_STD_HEADERS} ${TOLLGATE_ASIO_HEADERS})
tollgate_precompiled(precompiled_cli ${TOLLGATE_STD_HEADERS} ${TOLLGATE_ASIO_HEADERS} <CLI/CLI.hpp> <nlohmann/json.hpp>)
target_link_libraries(precompiled_cli PRIVATE CLI11::CLI11 nlohmann_json::nlohmann_json)

# tollgate_precompiled_tests(NAME): for the tests of this directory and those below. They are executables, which are
# compiled otherwise than libraries.
function(tollgate_precompiled_tests NAME)
  tollgate_precompiled(${NAME} ${TOLLGATE_STD_HEADERS} <gmock/gmock.h> <gtest/gtest.h> <nlohmann/json.hpp>)
  target_link_libraries(${NAME} PRIVATE GTest::gmock GTest::gtest_main nlohmann_json::nlohmann_json)
  set_target_properties(${NAME} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${NAME} PRIVATE ${CMAKE_CXX_COMPILE_OPTIONS_PIE})
  set(TOLLGATE_TESTS_PRECOMPILED ${NAME} PARENT_SCOPE)
endfunction()
