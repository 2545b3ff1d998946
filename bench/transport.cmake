tollgate_bench(transport_bench SRCS transport_bench.cpp DEPS tollgate::providers)
