tollgate_fuzz(usage_record_fuzz LABEL finops CORPUS usage_record SRCS usage_record_fuzz.cpp DEPS tollgate::finops)
