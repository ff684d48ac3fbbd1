// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/nft.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <nftables/libnftables.h>

/* libnftables 1.0.6 ends the process where there is no nfnetlink (netlink_init_error(), mnl.c). */
static bool have_nfnetlink(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int open_nft(struct ctx *ctx, unsigned int flags, struct nft_ctx **nft)
{
	if (!have_nfnetlink())
		return fail(ctx, EOPNOTSUPP, "the kernel has no nfnetlink (CONFIG_NETFILTER_NETLINK)");
	*nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!*nft)
		return oom(ctx);
	nft_ctx_output_set_flags(*nft, flags);
	if (!nft_ctx_buffer_error(*nft) && !nft_ctx_buffer_output(*nft))
		return 0;
	nft_ctx_free(*nft);
	return oom(ctx);
}

/* Errors come as text only: "PLACE: Error: TEXT", then the line and marks under it. */
static int errno_of(const char *text, size_t len)
{
	static const int errs[] = { EPERM, ENOENT, EEXIST, EOPNOTSUPP, EBUSY, EINVAL, ENOMEM };
	const char *name;
	unsigned int i;

	for (i = 0; i < sizeof(errs) / sizeof(*errs); i++) {
		name = strerror(errs[i]);
		if (len >= strlen(name) && !strncmp(text + len - strlen(name), name, strlen(name)))
			return errs[i];
	}
	return EIO;
}

/* What the last command told; reading it empties the buffer. */
static int told(struct ctx *ctx, struct nft_ctx *nft)
{
	const char *all = nft_ctx_get_error_buffer(nft), *text = strstr(all, "Error: ");
	size_t len;

	text = text ? text + strlen("Error: ") : all;
	len = strcspn(text, "\n");
	if (!len)
		return fail(ctx, EIO, "nftables: failed without saying why");
	return fail(ctx, errno_of(text, len), "nftables: %.*s", (int)len, text);
}

int nft_run(struct ctx *ctx, const char *commands)
{
	struct nft_ctx *nft;
	int err = open_nft(ctx, 0, &nft);

	if (err)
		return err;
	if (nft_run_cmd_from_buffer(nft, commands))
		err = told(ctx, nft);
	nft_ctx_free(nft);
	return err;
}

static int read_objects(struct ctx *ctx, const char *text, json_t **objects)
{
	json_error_t error;
	json_t *all = json_loads(text, 0, &error);

	*objects = json_incref(json_object_get(all, "nftables"));
	json_decref(all);
	if (*objects)
		return 0;
	return fail(ctx, EIO, "nftables: what it lists is not JSON: %s", error.text);
}

int nft_table(struct ctx *ctx, const char *name, json_t **objects)
{
	struct nft_ctx *nft;
	char command[128];
	int err;

	*objects = NULL;
	if (!have_nfnetlink())
		return 0;
	err = open_nft(ctx, NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_TERSE | NFT_CTX_OUTPUT_NUMERIC_ALL, &nft);
	if (err)
		return err;
	snprintf(command, sizeof(command), "list table inet %s", name);
	if (!nft_run_cmd_from_buffer(nft, command))
		err = read_objects(ctx, nft_ctx_get_output_buffer(nft), objects);
	else
		err = told(ctx, nft);
	nft_ctx_free(nft);
	if (err == -ENOENT) {
		ctx_clear(ctx);
		err = 0;
	}
	return err;
}
