/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check_policy.h - what no kernel carries with the classifier that the file asks for. The kernel that is
 * running is not asked; it may lack more.
 */
#ifndef WEIR_PLAN_CHECK_POLICY_H
#define WEIR_PLAN_CHECK_POLICY_H

#include "conf/policy.h"

/* The policy need not be resolved. 0, or -EOPNOTSUPP: the first that cannot be carried is the located
 * fault, in the words that a plan has for it; -ENOMEM. */
int plan_check_policy(struct ctx *ctx, const struct policy *policy);

#endif
