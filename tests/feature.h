/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feature.h - what a test saw this kernel do, for the table doc/kernels.md.
 */
#ifndef WEIR_TESTS_FEATURE_H
#define WEIR_TESTS_FEATURE_H

#include <stdbool.h>

/*
 * Tells that the feature works here, or that this kernel has not got it. Call it with true after the
 * test has seen it work, with false where the test skips. A "works" of any test wins. Only in a guest
 * of tests/vm does it go anywhere. Sections and their order: tests/vm/kernels-doc; an example is
 * feature("BPF", "sched_cls at clsact", true).
 */
void feature(const char *section, const char *name, bool works);

#endif
