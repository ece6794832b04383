/* Inside model/linear/: libsvm's model files, before libsvm reads them: it trusts what it reads. */
#ifndef EMOTRAIN_MODEL_LINEAR_SVM_FILE_H
#define EMOTRAIN_MODEL_LINEAR_SVM_FILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether the file is a whole model file of libsvm (C-SVC or epsilon-SVR, linear or RBF): its counts agree
 * with each other and with its lines, its numbers are finite, and no feature is beyond `features`.  The error
 * names the line. */
bool svm_file_check(const char *path, size_t features, struct error *error);

#endif
