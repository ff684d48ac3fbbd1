#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Properties that hold for every policy, tried with random ones:
#   what was applied needs no change; from A to B leads where B alone leads; down leads back.
#
#   roundtrip.sh [--count N] [--seed N] [TEST...]
#
# A failure tells the seed, and --count 1 --seed N repeats it.
. "$(dirname "$0")/common.bash"

while [[ ${1-} = --* ]]; do
	case $1 in
	--count) export ROUNDTRIP_COUNT=$2 ;;
	--seed) export ROUNDTRIP_SEED=$2 ;;
	*) echo "usage: roundtrip.sh [--count N] [--seed N] [TEST...]" >&2; exit 2 ;;
	esac
	shift 2
done
COUNT=${ROUNDTRIP_COUNT-$((27 / STRIDE + 3))}
SEED=${ROUNDTRIP_SEED-1}

# What this kernel has beyond what every kernel has, in $HAS.
look_around() {
	local word
	HAS=' '
	for word in fq_codel fq cake codel pie sfq netem; do
		! (need qdisc "$word") || HAS="$HAS$word "
	done
	! (need action police) || HAS="$HAS"'police '
	! (need filter flower) || HAS="$HAS"'flower '
}

# policy SEED: few names, so that two policies have classes in common.
policy() {
	awk -v seed="$1" -v has="$HAS" '
	function have(word) { return index(has, " " word " ") }
	function pick(list, n, word) { n = split(list, word, " "); return word[1 + int(rand() * n)] }
	function chance(percent) { return rand() * 100 < percent }
	function between(low, high) { return low + int(rand() * (high - low + 1)) }
	function rate_text(kbit) { return chance(20) ? kbit * 1000 + between(0, 999) "bit" : kbit "kbit" }
	function ports(n, text) {
		text = between(1, 65000)
		if (chance(30))
			text = text "-" between(text + 1, 65535)
		for (n = between(0, 2); n > 0; n--)
			text = text "," between(1, 65535)
		return text
	}
	function prefix4(text) {
		text = "10." between(0, 9) "." between(0, 255) "."
		return text (chance(50) ? "0/24" : between(1, 254))
	}
	function prefix6() { return sprintf("2001:db8:%x::/%d", between(0, 65535), pick("48 64 128")) }
	function match_text(text) {
		text = ""
		if (chance(25))
			return "match " pick("udp tcp") " " pick("dport sport") " " ports()
		if (chance(20))
			text = text " " pick("icmp tcp udp proto ip ip6")
		sub(/proto/, "proto " between(2, 140), text)
		if (text ~ /ip6/ || (text !~ / ip$/ && chance(20)))
			text = text " " pick("from to") " " prefix6()
		else
			text = text " " pick("from to") " " prefix4()
		if (text ~ /tcp|udp/ && chance(50))
			text = text " dport " ports()
		if (chance(20))
			text = text " dscp " pick("ef cs1 cs5 af41 12 le")
		if (chance(5))
			text = text " mac 02:00:00:00:00:" between(10, 99)
		if (have("flower") && chance(10))
			text = text " vlan " between(1, 4000)
		return "match" text
	}
	function queue_text(kind) {
		kind = pick("fq_codel fq cake codel pie sfq netem")
		if (have(kind)) {
			if (kind == "cake")
				return chance(50) ? kind : kind "+" pick("besteffort diffserv8 nat wash+atm ack-filter")
			if (kind == "netem")
				return kind "+delay+" between(0, 9) "ms+limit+" between(10, 2000)
			return chance(50) ? kind : kind "+limit+" between(20, 500)
		}
		return pick("pfifo bfifo pfifo+limit+" between(5, 500) " bfifo+limit+" between(2000, 90000) \
			" tbf+rate+1mbit+burst+10kb+limit+" between(10, 90) "kb")
	}
	function class_text(indent, kbit, ceil, depth, name, text, n, own) {
		text = indent "class " name " rate " rate_text(kbit)
		if (chance(50))
			text = text " ceil " pick("100% " ceil "kbit")
		if (chance(40))
			text = text " prio " between(0, 7)
		if (chance(10))
			text = text " burst " between(3, 100) "kb"
		if (chance(10))
			text = text " cburst " between(3, 100) "kb"
		if (chance(10))
			text = text " quantum " between(1600, 60000)
		if (depth < 3 && kbit > 40 && chance(25)) {
			text = text " {\n"
			own = chance(50)
			if (own)
				text = text indent "\t" match_text() "\n"
			return text classes(indent "\t", kbit, ceil, depth + 1, own) indent "}\n"
		}
		if (chance(40))
			text = text " queue " queue_text()
		gsub(/\+/, " ", text)
		text = text " {"
		for (n = between(1, 3); n > 0; n--)
			text = text " " match_text() (n > 1 ? ";" : "")
		return text " }\n"
	}
	# A share of nine tenths of the parent; what is left is the default of some kind.
	function classes(indent, kbit, ceil, depth, unmatched, n, i, text, share, used, name) {
		n = between(1, depth > 1 ? 3 : 6)
		share = int(kbit * 9 / 10 / n)
		used = ""
		text = ""
		for (i = 0; i < n; i++) {
			do
				name = pick("a b c d e f g h voip web bulk lab")
			while (index(used, " " name " "))
			used = used " " name " "
			text = text class_text(indent, between(int(share / 2) + 1, share), ceil, depth, name)
		}
		if (unmatched && chance(30))
			text = text indent "default rate " int(kbit / 20) + 1 "kbit" (chance(50) ? " ceil 100%" : "") "\n"
		return text
	}
	function tree(direction, kbit) {
		kbit = between(1, 40) * pick("50 250 1000 10000 100000")
		if (chance(10))
			return "\t" direction " rate " kbit "kbit\n"
		return "\t" direction " rate " kbit "kbit {\n" classes("\t\t", kbit, kbit, 1, 1) "\t}\n"
	}
	function link(name) {
		print "link " name " {"
		if (chance(30))
			print "\tframing " pick("ethernet pppoe-vdsl2 docsis adsl-llc")
		else if (chance(20))
			print "\toverhead " between(0, 60) " mpu " between(0, 90) pick("* *atm *ptm")
		if (chance(80))
			printf "%s", tree("egress")
		if (chance(60))
			printf "%s", tree("ingress")
		while (have("police") && chance(40))
			print "\tpolice " pick("ingress egress") " rate " between(1, 99) "mbit burst " between(64, 512) "kb" \
				pick(" *+exceed+drop *+exceed+pass *+conform+reclassify") " {" match_text() "}"
		print "}"
	}
	BEGIN {
		srand(seed)
		for (i = 0; i < 5; i++)
			rand()
		if (chance(90))
			link("wan0")
		if (chance(50))
			link("lan0")
		print "# seed " seed
	}' </dev/null | tr '*+' '  '
}

# The next seed from $1 on whose policy is valid, in NAME.conf; $seed is that.
valid_policy() {
	local tries
	for ((seed = $1, tries = 0; tries < 20; seed += 1000003, tries++)); do
		policy "$seed" | conf "$2"
		grep -q '^# seed' "$2.conf" || die "no policy was made"
		"$WEIR" check "$2.conf" >/dev/null 2>check.err && return 0
	done
	not_ok "of 20 policies none was valid, the last (seed $seed): $(<check.err)"
	cat "$2.conf"
	return 1
}

# apply and expect no message but warnings, then no change.
settled() {
	run 0 weir apply "$1.conf" && run 0 weir plan "$1.conf" && return 0
	echo "policy $1, seed $SEED_NOW:"
	cat "$1.conf"
	return 1
}

round() {
	local alone
	valid_policy "$SEED_NOW" a && valid_policy $((SEED_NOW + 500)) b || return
	settled b || return
	alone=$(state)
	run 0 weir down && unchanged "$nothing" "the state after down from b" || return
	settled a || return
	if ! settled b; then
		echo "and before it a:"
		cat a.conf
		return 1
	fi
	if ! unchanged "$alone" "b after a"; then
		head -n 999 a.conf b.conf
		return 1
	fi
	run 0 weir down && unchanged "$nothing" "the state after down from a and b"
}

test_random_policies() {
	local i nothing
	look_around
	router
	nothing=$(state)
	for ((i = 0; i < COUNT; i++)); do
		SEED_NOW=$((SEED + i))
		if ! round; then
			not_ok "seed $SEED_NOW: repeat with --count 1 --seed $SEED_NOW"
			return
		fi
	done
}

# One after the other without a down in between: each where it alone would be, by what the last holds.
test_random_walk() {
	local i
	look_around
	router
	for ((i = 0; i < COUNT; i++)); do
		SEED_NOW=$((SEED + 7000 + i))
		valid_policy "$SEED_NOW" a && settled a || {
			not_ok "seed $SEED_NOW in the walk from seed $SEED"
			return
		}
	done
}

# Cut short anywhere on the way from A to B, A comes back: one send of each pair fails.
test_random_faults() {
	local i before
	look_around
	router
	for ((i = 0; i < COUNT; i++)); do
		SEED_NOW=$((SEED + 20000 + i))
		valid_policy "$SEED_NOW" a && settled a || return
		before=$(state)
		valid_policy $((SEED_NOW + 500)) b || return
		traced sendmsg "error=ENOBUFS:when=$((6 + i % 16))" "$WEIR" -n "$NETNS" apply b.conf >out 2>err
		status=$?
		injected || continue
		if [ "$status" != 1 ] || ! unchanged "$before" "a after a failed b: $(<err)"; then
			not_ok "seed $SEED_NOW: status $status, send $((6 + i % 16)): $(<err)"
			head -n 999 a.conf b.conf
			return
		fi
	done
}

TEST_TIMEOUT=${TEST_TIMEOUT:-$((120 + COUNT * 6))}
run_tests "$@"
