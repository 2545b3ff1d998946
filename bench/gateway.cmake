# Runs beside the gateway in bench/gateway/bench.py.
add_executable(bench_relay gateway/relay.cpp)
target_link_libraries(bench_relay PRIVATE tollgate_options tollgate::server tollgate::providers)
