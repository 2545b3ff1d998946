tollgate_bench(ledger_bench SRCS ledger_bench.cpp DEPS tollgate::finops)
