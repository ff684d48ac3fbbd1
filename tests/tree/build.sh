#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# That the tree builds and installs the way that README.md says, and what the built library holds.
TEST_NO_NS=1
. "$(dirname "$0")/../lib.sh"

# Programs that fail, ahead in PATH, where autotools would be called.
without_autotools() {
	local name
	mkdir -p "$PWD/none"
	for name in autoconf autoheader automake aclocal autoreconf autom4te; do
		printf '#!/bin/sh\necho "%s was called" >&2\nexit 1\n' "$name" >"$PWD/none/$name"
		chmod +x "$PWD/none/$name"
	done
	PATH=$PWD/none:$PATH
}

# Every file as new as a clone makes it, in no order of its own.
as_cloned() {
	cp -r "$TOP" "$1"
	find "$1" -name Makefile.am -exec touch {} +
	find "$1" -name configure.ac -exec touch {} +
}

quiet() {
	"$@" >"$TEST_STATE/quiet" 2>&1 || { local status=$?; tail -n 40 "$TEST_STATE/quiet"; return $status; }
}

test_a_clone_builds_without_autotools() {
	without_autotools
	as_cloned "$PWD/clone"
	cd "$PWD/clone" || die "no clone"
	check configure quiet ./configure --prefix=/usr --sysconfdir=/etc
	check make quiet make -j"$(nproc)"
	check "make install" quiet make install DESTDIR="$PWD/to"
	check "the program" test -x to/usr/sbin/weir
	check "the manual" test -s to/usr/share/man/man8/weir.8
	check "the examples" test -d to/usr/share/doc/weir/examples
	run 0 to/usr/sbin/weir --help
	check "make uninstall" quiet make uninstall DESTDIR="$PWD/to"
	expect_eq "$(find to -type f)" "" "what is left after make uninstall"
}

test_make_distcheck() {
	mkdir build && cd build || exit 1
	check configure quiet "$TOP/configure"
	check "make distcheck" quiet make -j"$(nproc)" distcheck
	tar -tf weir-*.tar.xz | sed 's,^[^/]*/,,' | grep -v '/$' | sort >in-release
	find "$TOP" -type f ! -path '*/.git/*' ! -path '*/.ci/*' ! -name '.git*' -printf '%P\n' |
		sort >in-tree
	expect_eq "$(comm -13 in-release in-tree)" "" "what the release lacks"
}

test_the_manual_of_the_kinds_is_fresh() {
	check "make doc/queues" quiet make -C "$BUILD" doc/queues
	"$BUILD/doc/queues" >page
	check "doc/weir-queue.5 is what \`make manual\` writes" diff -u "$TOP/doc/weir-queue.5" page
}

# Section names, since constant tables with pointers are data to nm.
test_no_mutable_globals() {
	expect_eq "$(objdump -t "$BUILD/libweir.a" |
		awk '($(NF-2) == ".data" || $(NF-2) == ".bss") && $(NF-1) !~ /^0+$/ { print $NF }')" "" \
		"variables in libweir.a"
}

test_only_main_ends_the_program() {
	expect_eq "$(nm -u "$BUILD/libweir.a" | grep -oE '\b(exit|system|popen)$' | sort -u)" "" \
		"calls in libweir.a"
}

TEST_TIMEOUT=600
run_tests "$@"
