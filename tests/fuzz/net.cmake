tollgate_fuzz(http1_request_fuzz LABEL net CORPUS http1_request
  SRCS http1_request_fuzz.cpp ${PROJECT_SOURCE_DIR}/tests/unit/net/beast_oracle.cpp DEPS tollgate::net)
tollgate_fuzz(http1_response_fuzz LABEL net CORPUS http1_response
  SRCS http1_response_fuzz.cpp ${PROJECT_SOURCE_DIR}/tests/unit/net/beast_oracle.cpp DEPS tollgate::net)
