tollgate_bench(config_bench SRCS config_bench.cpp DEPS tollgate::config)
