tollgate_fuzz(error_code_fuzz LABEL process CORPUS error_code SRCS error_code_fuzz.cpp DEPS tollgate::process)
