tollgate_bench(pii_scan_bench SRCS pii_scan_bench.cpp DEPS tollgate::pii)
tollgate_bench(restore_bench SRCS restore_bench.cpp DEPS tollgate::pii)
tollgate_bench(word_list_bench SRCS word_list_bench.cpp DEPS tollgate::pii)
tollgate_bench(scan_cache_bench SRCS scan_cache_bench.cpp DEPS tollgate::pii)
