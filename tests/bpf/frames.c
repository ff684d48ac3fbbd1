// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bpf/frames.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "bpf/classify.h"
#include "conf/policy.h"
#include "tests/kernel/kt.h"

/* ---- frames ---- */

static uint8_t *put16(uint8_t *at, unsigned int v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
	return at + 2;
}

static uint8_t *put_ip4(const struct frame *f, uint8_t *at)
{
	unsigned int words = 5u + f->options;

	memset(at, 0, 4 * words);
	at[0] = (uint8_t)(0x40 | words);
	at[1] = (uint8_t)(f->dscp << 2);
	put16(at + 2, 4 * words + 20 + f->payload);
	put16(at + 6, f->fragment);
	at[8] = 64;
	at[9] = f->proto;
	MUST(inet_pton(AF_INET, f->src, at + 12) == 1 && inet_pton(AF_INET, f->dst, at + 16) == 1);
	memset(at + 20, 1, 4u * f->options);
	return at + 4 * words;
}

static uint8_t *put_extensions(const struct frame *f, uint8_t *next, uint8_t *at)
{
	unsigned int i, words;

	for (i = 0; f->extensions[i]; i++) {
		words = f->extensions[i] == 44 ? 0 : f->extension_words;
		*next = f->extensions[i] == 200 ? 0 : f->extensions[i];
		next = at;
		memset(at, 0, 8 + 8 * words);
		at[1] = (uint8_t)words;
		if (f->extensions[i] == 44)
			put16(at + 2, f->fragment * 8u);
		at += 8 + 8 * words;
	}
	*next = f->proto;
	return at;
}

static uint8_t *put_ip6(const struct frame *f, uint8_t *at)
{
	uint8_t *end;

	memset(at, 0, 40);
	at[0] = (uint8_t)(0x60 | f->dscp >> 2);
	at[1] = (uint8_t)(f->dscp << 6);
	at[7] = 64;
	MUST(inet_pton(AF_INET6, f->src, at + 8) == 1 && inet_pton(AF_INET6, f->dst, at + 24) == 1);
	end = put_extensions(f, at + 6, at + 40);
	put16(at + 4, (unsigned int)(end - at) - 40 + 20 + f->payload);
	return end;
}

unsigned int frame_build(const struct frame *f, uint8_t buf[FRAME_ROOM])
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };
	bool ip6 = f->src && strchr(f->src, ':');
	unsigned int type = f->type ? f->type : ip6 ? 0x86dd : 0x0800, i;
	uint8_t *at = buf + 12;

	memset(buf, 0, FRAME_ROOM);
	memcpy(buf, macs, 12);
	for (i = 0; f->tag[i][0]; i++)
		at = put16(put16(at, f->tag[i][0]), f->tag[i][1]);
	if (f->pppoe) {
		at = put16(put16(put16(put16(at, 0x8864), 0x1100), 1), 100);
		type = f->type ? f->type : ip6 ? 0x57 : 0x21;
	}
	at = put16(at, type);
	if (f->src)
		at = ip6 ? put_ip6(f, at) : put_ip4(f, at);
	put16(put16(at, f->sport), f->dport);
	at[13] = f->flags;
	return (unsigned int)(at - buf) + 20 + f->payload;
}

int frame_run(int prog_fd, const void *frame, unsigned int n, struct run *run)
{
	struct __sk_buff in = {
		.mark = run->mark, .gso_segs = run->gso_segs, .wire_len = run->wire_len,
	}, out = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = n, .ctx_in = &in,
		    .ctx_size_in = sizeof(in), .ctx_out = &out, .ctx_size_out = sizeof(out),
		    .repeat = (int)run->repeat);

	if (bpf_prog_test_run_opts(prog_fd, &opts))
		return -errno;
	run->priority = out.priority;
	run->mark_after = out.mark;
	run->verdict = (int)opts.retval;
	run->ns = opts.duration;
	return 0;
}

/* ---- rules ---- */

struct policy *lines_parse(const char *const *lines, unsigned int n, struct rule *rules)
{
	struct policy *policy = NULL;
	const struct class *class;
	size_t len;
	char *text;
	unsigned int i;
	FILE *f = open_memstream(&text, &len);

	MUST(f);
	fprintf(f, "link lo { egress rate 1gbit {\n");
	for (i = 0; i < n; i++)
		fprintf(f, "class c%u rate 8kbit { match %s }\n", i, lines[i]);
	fprintf(f, "}\n}\n");
	fclose(f);
	if (conf_parse(&kt_ctx, "lines", text, len, &policy))
		kt_stop(__FILE__, __LINE__, kt_ctx.error);
	free(text);
	class = policy->links->egress->children;
	for (i = 0; i < n; i++, class = class->next)
		rules[i] = (struct rule){ .match = class->matches, .classid = LINE_CLASS(i), .what = class->name };
	return policy;
}

struct loaded *lines_load(const struct ruleset_hook *hook, const struct rule *rules, unsigned int n,
			  struct arena *arena, struct program **program)
{
	struct loaded *loaded;

	if (ruleset_program(&kt_ctx, arena, hook, rules, n, program) ||
	    program_load(&kt_ctx, *program, "test", &loaded))
		kt_stop(__FILE__, __LINE__, kt_ctx.error);
	return loaded;
}

struct counted counter_of(const struct loaded *loaded, uint32_t i)
{
	uint64_t sums[2 * (CLASSIFY_COUNT_RULE + 64)];

	MUST(i < CLASSIFY_COUNT_RULE + 64);
	MUST(!program_sums(program_map(loaded, "weir_counters"), i + 1, 2, sums));
	return (struct counted){ sums[2 * i], sums[2 * i + 1] };
}
