tollgate_bench(identity_bench SRCS identity_bench.cpp DEPS tollgate::providers)
