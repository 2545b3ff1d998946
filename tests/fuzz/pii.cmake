tollgate_fuzz(pii_scan_fuzz LABEL pii CORPUS pii_scan SRCS pii_scan_fuzz.cpp DEPS tollgate::pii)
tollgate_fuzz(restore_fuzz LABEL pii CORPUS restore SRCS restore_fuzz.cpp DEPS tollgate::pii)
tollgate_fuzz(word_list_fuzz LABEL pii CORPUS word_list SRCS word_list_fuzz.cpp DEPS tollgate::pii)
