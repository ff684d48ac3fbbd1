/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * classes.h - the classids that limits have in the HTBs of the links that weir shapes: no policy's
 * class has one of them.
 */
#ifndef WEIR_BPF_CLASSES_H
#define WEIR_BPF_CLASSES_H

#define CLASSES_MAJOR 0x77e0u		/* of every link's HTB */
#define CLASSES_LIMIT_FIRST 0x77e0f000u
#define CLASSES_LIMIT_LAST 0x77e0fffeu

static inline _Bool classes_is_limit(unsigned int classid)
{
	return classid >= CLASSES_LIMIT_FIRST && classid <= CLASSES_LIMIT_LAST;
}

#endif
