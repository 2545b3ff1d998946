tollgate_fuzz(presidio_fuzz LABEL pipeline CORPUS presidio SRCS presidio_fuzz.cpp DEPS tollgate::pipeline)
