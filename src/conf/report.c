// SPDX-License-Identifier: GPL-2.0-or-later
#include "conf/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"

enum {
	WORD_SHOWN = 60,	/* bytes of a word in a message */
	LINE_SHOWN = 100,	/* characters of a line */
	LINE_BEFORE = 70,	/* of these, at most before the caret */
};

static bool already(const struct report *r, const struct pos *pos)
{
	unsigned int i;

	for (i = 0; i < r->n; i++)
		if (r->faults[i].pos.source == pos->source &&
		    r->faults[i].pos.offset == pos->offset)
			return true;
	return false;
}

void report_at(struct report *r, const struct pos *pos, const char *near, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	r->said++;
	if (already(r, pos))
		return;
	if (r->n == REPORT_MAX) {
		r->full = true;
		return;
	}
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		r->oom = true;
		return;
	}
	r->faults[r->n].pos = *pos;
	r->faults[r->n].text = arena_printf(r->arena, near ? "%s; did you mean '%s'?" : "%s", text,
					    near);
	if (!r->faults[r->n].text)
		r->oom = true;
	else
		r->n++;
	free(text);
}

const char *report_word(struct report *r, const char *word)
{
	size_t n = WORD_SHOWN;
	const char *cut;

	if (strlen(word) <= WORD_SHOWN)
		return word;
	while (n && ((unsigned char)word[n] & 0xc0) == 0x80)
		n--;
	cut = arena_printf(r->arena, "%.*s...", (int)n, word);
	return cut ? cut : "...";
}

/* ---- the line and the caret ---- */

struct excerpt {
	const char *line;
	size_t len;		/* bytes of the line */
	size_t caret;		/* byte in the line */
	size_t from, to;	/* what is shown */
	bool keep_tabs;
};

static size_t char_len(const char *s, size_t left)
{
	size_t n = text_printable(s, left);

	return n ? n : 1;
}

static void find_line(const struct pos *pos, struct excerpt *e)
{
	const char *text = pos->source->text;
	size_t begin = pos->offset, end = pos->offset;

	while (begin && text[begin - 1] != '\n')
		begin--;
	while (end < pos->source->len && text[end] != '\n')
		end++;
	if (end > begin && text[end - 1] == '\r')
		end--;
	e->line = text + begin;
	e->len = end - begin;
	e->caret = pos->offset - begin;
	if (e->caret > e->len)
		e->caret = e->len;
}

/* Long lines are shown around the caret only. */
static void clip(struct excerpt *e)
{
	size_t i, chars = 0, before = 0;

	for (i = 0; i < e->caret; i += char_len(e->line + i, e->len - i))
		before++;
	e->from = 0;
	for (i = 0; before > LINE_BEFORE; before--)
		i += char_len(e->line + i, e->len - i);
	e->from = i;
	for (; i < e->len && chars < LINE_SHOWN; chars++)
		i += char_len(e->line + i, e->len - i);
	e->to = i;
	e->keep_tabs = !e->from;
}

static void put_excerpt(FILE *f, const struct pos *pos)
{
	struct excerpt e;
	size_t i;

	find_line(pos, &e);
	clip(&e);
	fputs(e.from ? "..." : "", f);
	for (i = e.from; i < e.to;) {
		if (e.line[i] == '\t') {
			fputc(e.keep_tabs ? '\t' : ' ', f);
			i++;
		} else {
			i += text_put_char(f, e.line + i, e.len - i);
		}
	}
	fprintf(f, "%s\n%s", e.to < e.len ? "..." : "", e.from ? "   " : "");
	for (i = e.from; i < e.caret; i += char_len(e.line + i, e.len - i))
		fputc(e.line[i] == '\t' && e.keep_tabs ? '\t' : ' ', f);
	fputc('^', f);
}

/* ---- the end ---- */

static int by_place(const void *a, const void *b)
{
	const struct pos *x = &((const struct report_fault *)a)->pos;
	const struct pos *y = &((const struct report_fault *)b)->pos;

	if (x->source != y->source)
		return x->source->order < y->source->order ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void put_fault(FILE *f, const struct report_fault *fault)
{
	text_put_word(f, fault->pos.source->name);
	fprintf(f, ":%u:%u: ", fault->pos.line, fault->pos.column);
	text_put_word(f, fault->text);
	fputc('\n', f);
	put_excerpt(f, &fault->pos);
}

int report_close(struct report *r, struct ctx *ctx)
{
	char *text = NULL;
	unsigned int i;
	size_t size;
	FILE *f;
	int err;

	if (r->oom)
		return oom(ctx);
	if (!r->n)
		return 0;
	f = open_memstream(&text, &size);
	if (!f)
		return oom(ctx);
	qsort(r->faults, r->n, sizeof(r->faults[0]), by_place);
	for (i = 0; i < r->n; i++) {
		fputs(i ? "\n" : "", f);
		put_fault(f, &r->faults[i]);
	}
	fputs(r->full ? "\nfurther errors are not shown" : "", f);
	err = fclose(f) ? oom(ctx) : fail_located(ctx, EINVAL, text);
	free(text);
	return err;
}
