tollgate_fuzz(pii_scan_fuzz LABEL pii CORPUS pii_scan SRCS pii_scan_fuzz.cpp DEPS tollgate::pii)
tollgate_fuzz(restore_fuzz LABEL pii CORPUS restore SRCS restore_fuzz.cpp DEPS tollgate::pii)
