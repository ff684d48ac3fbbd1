// SPDX-License-Identifier: GPL-2.0-or-later
/* The list of all classifiers: a new one is one extern and one row here. */
#include "plan/classifier.h"

extern const struct classifier classifier_kernel;

const struct classifier *const classifiers[] = {
	&classifier_kernel,
	NULL
};
