// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/queue_cases.h"

#include <string.h>

enum { V6_6 = 0x60600, V6_7 = 0x60700, V6_13 = 0x60d00 };

static const struct queue_case fq_codel_cases[] = {
	{ "limit 77", NULL, "limit 77p", 0, 0 },
	{ "memory_limit 3mb", NULL, "memory_limit 3Mb", 0, 0 },
	{ "memory_limit 100000", "memory_limit 100000b", "memory_limit 100000b", 0, 0 },
	{ "flows 512", NULL, "flows 512", 0, 0 },
	{ "target 7ms", NULL, "target 7ms", 0, 0 },
	{ "target 129us", "target 128us", "target 128us", 0, 0 },
	{ "interval 50ms", NULL, "interval 50ms", 0, 0 },
	{ "quantum 300", NULL, "quantum 300", 0, 0 },
	{ "ce_threshold 3ms", NULL, "ce_threshold 3ms", 0, 0 },
	{ "ce_threshold 0us", NULL, "ce_threshold 0us", 0, 0 },
	{ "ce_threshold 3ms ce_threshold_selector 0x1/0x3", NULL, "ce_threshold_selector 0x1/0x3", 0, 0 },
	{ "noecn", NULL, "!ecn", 0, 0 },
	{ "ecn", NULL, "ecn", CASE_SAME, 0 },
	{ "drop_batch 10", NULL, "drop_batch 10", 0, 0 },
	{ "limit 500 flows 16 quantum 1514 target 20ms interval 300ms noecn", "limit 500 flows 16 "
	  "target 20ms interval 300ms quantum 1514 noecn", "limit 500p flows 16 quantum 1514 target 20ms",
	  0, 0 },
};
static const char *const fq_codel_bad[] = {
	"limit 0", "limit -1", "limit nan", "limit", "flows 0", "flows 65537", "quantum 255",
	"quantum 1048577", "memory_limit 2147483649", "target 5000s", "target 5x", "ecn noecn", "ecn ecn",
	"ce_threshold_selector 0x1/0x3", "ce_threshold 1ms ce_threshold_selector 1",
	"ce_threshold 1ms ce_threshold_selector 256/1", "drop_batch 0", "lmit 5", NULL
};

static const struct queue_case fq_cases[] = {
	{ "limit 500", NULL, "limit 500p", 0, 0 },
	{ "flow_limit 20", NULL, "flow_limit 20p", 0, 0 },
	{ "quantum 4000", NULL, "quantum 4000b", 0, 0 },
	{ "initial_quantum 20000", NULL, "initial_quantum 20000b", 0, 0 },
	{ "maxrate 5mbit", NULL, "maxrate 5Mbit", 0, 0 },
	{ "maxrate 34gbit", NULL, "maxrate 34Gbit", 0, 0 },
	{ "buckets 512", NULL, "buckets 512", 0, 0 },
	{ "buckets 500", "buckets 512", "buckets 512", 0, 0 },
	{ "nopacing", NULL, "nopacing", 0, 0 },
	{ "pacing", NULL, "!pacing", CASE_SAME, 0 },
	{ "refill_delay 20ms", NULL, "refill_delay 20ms", 0, 0 },
	{ "bands 3 priomap 0 0 1 1 2 2 0 0 0 0 0 0 0 0 0 1", NULL, NULL, CASE_NOT_TC, V6_7 },
	{ "priomap 2 2 2 2 2 2 0 0 1 1 1 1 1 1 1 1",
	  "bands 3 priomap 2 2 2 2 2 2 0 0 1 1 1 1 1 1 1 1", NULL, CASE_NOT_TC, V6_7 },
	{ "weights 100000 20000 16384", NULL, NULL, CASE_NOT_TC, V6_7 },
	{ "low_rate_threshold 1mbit", NULL, "low_rate_threshold 1Mbit", 0, 0 },
	{ "orphan_mask 255", NULL, "orphan_mask 255", 0, 0 },
	{ "timer_slack 20us", NULL, "timer_slack 20us", 0, 0 },
	{ "timer_slack 1234ns", "timer_slack 1.234us", "timer_slack 1.23us", 0, 0 },
	{ "ce_threshold 3ms", NULL, "ce_threshold 3ms", 0, 0 },
	{ "horizon 2s", NULL, "horizon 2s", 0, 0 },
	{ "horizon_cap", NULL, "horizon_cap", 0, 0 },
	{ "horizon_drop", NULL, "horizon_drop", CASE_SAME, 0 },
	{ "offload_horizon 1ms", NULL, NULL, CASE_NO_KERNEL | CASE_NOT_TC, V6_13 },
};
static const char *const fq_bad[] = {
	"limit 0", "quantum 255", "quantum 1048577", "buckets 1", "buckets 262145", "maxrate 35gbit",
	"maxrate 0", "bands 3", "bands 4 priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0", "priomap 1 2 3",
	"priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 3", "weights 16383 16384 16384", "weights 20000 20000",
	"horizon_cap horizon_drop", "timer_slack 5s", "horizon 5000s", NULL
};

static const struct queue_case cake_cases[] = {
	{ "bandwidth 20mbit", NULL, "bandwidth 20Mbit", 0, 0 },
	{ "bandwidth 40gbit", NULL, "bandwidth 40Gbit", 0, 0 },
	{ "unlimited", NULL, "bandwidth unlimited", CASE_SAME, 0 },
	{ "bandwidth 10mbit autorate-ingress", NULL, "bandwidth 10Mbit autorate-ingress", 0, 0 },
	{ "besteffort", NULL, "besteffort", 0, 0 },
	{ "precedence", NULL, "precedence", 0, 0 },
	{ "diffserv8", NULL, "diffserv8", 0, 0 },
	{ "diffserv4", NULL, "diffserv4", 0, 0 },
	{ "diffserv3", NULL, "diffserv3", CASE_SAME, 0 },
	{ "diffserv", "diffserv4", "diffserv4", 0, 0 },
	{ "flowblind", NULL, "flowblind", 0, 0 },
	{ "srchost", NULL, " srchost", 0, 0 },
	{ "dsthost", NULL, " dsthost", 0, 0 },
	{ "hosts", NULL, " hosts", 0, 0 },
	{ "flows", NULL, " flows", 0, 0 },
	{ "dual-srchost", NULL, "dual-srchost", 0, 0 },
	{ "dual-dsthost", NULL, "dual-dsthost", 0, 0 },
	{ "triple-isolate", NULL, "triple-isolate", CASE_SAME, 0 },
	{ "nat", NULL, " nat ", 0, 0 },
	{ "nat diffserv4 dual-dsthost", "diffserv4 dual-dsthost nat", "dual-dsthost nat", 0, 0 },
	{ "nonat", NULL, "nonat", CASE_SAME, 0 },
	{ "wash", NULL, " wash ", 0, 0 },
	{ "nowash", NULL, "nowash", CASE_SAME, 0 },
	{ "ingress", NULL, " ingress ", 0, 0 },
	{ "egress", NULL, "!ingress", CASE_SAME, 0 },
	{ "ack-filter", NULL, " ack-filter ", 0, 0 },
	{ "ack-filter-aggressive", NULL, "ack-filter-aggressive", 0, 0 },
	{ "no-ack-filter", NULL, "no-ack-filter", CASE_SAME, 0 },
	{ "no-split-gso", NULL, "no-split-gso", 0, 0 },
	{ "split-gso", NULL, "split-gso", CASE_SAME, 0 },
	{ "rtt 50ms", NULL, "rtt 50ms", 0, 0 },
	{ "datacentre", "rtt 100us", "rtt 100us", 0, 0 },
	{ "lan", "rtt 1ms", "rtt 1ms", 0, 0 },
	{ "metro", "rtt 10ms", "rtt 10ms", 0, 0 },
	{ "regional", "rtt 30ms", "rtt 30ms", 0, 0 },
	{ "internet", "rtt 100ms", "rtt 100ms", CASE_SAME, 0 },
	{ "oceanic", "rtt 300ms", "rtt 300ms", 0, 0 },
	{ "satellite", "rtt 1s", "rtt 1s", 0, 0 },
	{ "interplanetary", "rtt 1000s", "rtt 1e+03s", 0, 0 },
	{ "raw", NULL, "raw overhead 0", CASE_SAME, 0 },
	{ "raw overhead 20", NULL, "raw overhead 20", CASE_NOT_TC, 0 },
	{ "atm", NULL, "raw atm overhead 0", 0, 0 },
	{ "raw ptm", NULL, "raw ptm overhead 0", 0, 0 },
	{ "atm overhead 40", NULL, "atm overhead 40", 0, 0 },
	{ "ptm overhead 30", NULL, "ptm overhead 30", 0, 0 },
	{ "noatm", NULL, "raw overhead 0", CASE_SAME, 0 },
	{ "overhead 18", NULL, "noatm overhead 18", 0, 0 },
	{ "overhead 0", NULL, "noatm overhead 0", 0, 0 },
	{ "overhead -10", NULL, "overhead -10", 0, 0 },
	{ "overhead 18 mpu 64", NULL, "overhead 18 mpu 64", 0, 0 },
	{ "mpu 70", NULL, "mpu 70", 0, 0 },
	{ "memlimit 4mb", NULL, "memlimit 4Mb", 0, 0 },
	{ "fwmark 0xff00", NULL, "fwmark 0xff00", 0, 0 },
	{ "conservative", "atm overhead 48", "atm overhead 48", 0, 0 },
	{ "ipoa-vcmux", "atm overhead 8", "atm overhead 8", 0, 0 },
	{ "ipoa-llcsnap", "atm overhead 16", "atm overhead 16", 0, 0 },
	{ "bridged-vcmux", "atm overhead 24", "atm overhead 24", 0, 0 },
	{ "bridged-llcsnap", "atm overhead 32", "atm overhead 32", 0, 0 },
	{ "pppoa-vcmux", "atm overhead 10", "atm overhead 10", 0, 0 },
	{ "pppoa-llc", "atm overhead 14", "atm overhead 14", 0, 0 },
	{ "pppoe-vcmux", "atm overhead 32", "atm overhead 32", 0, 0 },
	{ "pppoe-llcsnap", "atm overhead 40", "atm overhead 40", 0, 0 },
	{ "pppoe-ptm", "ptm overhead 30", "ptm overhead 30", 0, 0 },
	{ "bridged-ptm", "ptm overhead 22", "ptm overhead 22", 0, 0 },
	{ "ethernet", "overhead 38 mpu 84", "noatm overhead 38 mpu 84", 0, 0 },
	{ "ether-vlan", "overhead 4", "overhead 4", 0, 0 },
	{ "docsis ether-vlan ether-vlan", "noatm overhead 26 mpu 64", "overhead 26 mpu 64", 0, 0 },
	{ "via-ethernet", "", "raw overhead 0", CASE_SAME, 0 },
};
static const char *const cake_bad[] = {
	"overhead -65", "overhead 257", "overhead 18 docsis", "docsis overhead 18", "docsis docsis mpu 65",
	"pppoe-vcmux pppoe-ptm", "noatm conservative", "rtt 10ms lan",
	"besteffort diffserv4", "nat nonat", "mpu 257", "bandwidth", "unlimited bandwidth 1mbit",
	"atm ptm", "ack-filter no-ack-filter", "fwmark 0x100000000", "rtt 0", "tripple-isolate",
	"pppoe-llcsnap pppoe-llcsnap pppoe-llcsnap pppoe-llcsnap pppoe-llcsnap pppoe-llcsnap pppoe-llcsnap",
	"bandwidth 10000000000gbit", NULL
};

static const struct queue_case codel_cases[] = {
	{ "limit 100", NULL, "limit 100p", 0, 0 },
	{ "target 7ms", NULL, "target 7ms", 0, 0 },
	{ "interval 30ms", NULL, "interval 30ms", 0, 0 },
	{ "ecn", NULL, "ecn", 0, 0 },
	{ "noecn", NULL, "!ecn", CASE_SAME, 0 },
	{ "ce_threshold 3ms", NULL, "ce_threshold 3ms", 0, 0 },
};
static const char *const codel_bad[] = { "limit 0", "target 4295s", "ecn noecn", "interval x", NULL };

static const struct queue_case pie_cases[] = {
	{ "limit 100", NULL, "limit 100p", 0, 0 },
	{ "target 20ms", NULL, "target 20ms", 0, 0 },
	{ "target 15001us", "target 15ms", "target 15ms", CASE_SAME, 0 },
	{ "target 20002us", "target 20.002ms", "target 20ms", 0, 0 },
	{ "tupdate 20ms", NULL, "tupdate 20ms", 0, 0 },
	{ "alpha 4", NULL, "alpha 4", 0, 0 },
	{ "alpha 0", NULL, "alpha 0", CASE_NOT_TC, 0 },
	{ "beta 10", NULL, "beta 10", 0, 0 },
	{ "ecn", NULL, "ecn", 0, 0 },
	{ "noecn", NULL, "!ecn", CASE_SAME, 0 },
	{ "bytemode", NULL, "bytemode", 0, 0 },
	{ "nobytemode", NULL, "!bytemode", CASE_SAME, 0 },
	{ "dq_rate_estimator", NULL, "dq_rate_estimator", 0, 0 },
	{ "no_dq_rate_estimator", NULL, "!dq_rate_estimator", CASE_SAME, 0 },
};
static const char *const pie_bad[] = { "limit 0", "alpha 33", "beta 33", "target 5s", "tupdate 0", NULL };

static const struct queue_case sfq_cases[] = {
	{ "limit 100", NULL, "limit 100p", 0, 0 },
	{ "limit 50", NULL, "flows 50", 0, 0 },
	{ "perturb 10", NULL, "perturb 10sec", 0, 0 },
	{ "quantum 3000b", NULL, "quantum 3000b", 0, 0 },
	{ "divisor 512", NULL, "divisor 512", 0, 0 },
	{ "divisor 64", NULL, "flows 64", 0, 0 },
	{ "flows 64", NULL, "flows 64", 0, 0 },
	{ "limit 2000 flows 1000 divisor 2048", "limit 2000 divisor 2048 flows 1000", "flows 1000", 0, 0 },
	{ "depth 20", NULL, "depth 20", 0, 0 },
	{ "headdrop", NULL, "headdrop", 0, 0 },
	{ "redflowlimit 100000", NULL, "min 8333b max 25000b", 0, 0 },
	{ "redflowlimit 100000 min 8000 max 60000", NULL, "min 8000b max 60000b", 0, 0 },
	{ "redflowlimit 100000 avpkt 1500b", NULL, "ewma 3 min 8333b", 0, 0 },
	{ "redflowlimit 100000 burst 50", NULL, "ewma 8 min 8333b", 0, 0 },
	{ "redflowlimit 100000 probability 0.12", NULL, "probability 0.12", 0, 0 },
	{ "redflowlimit 100000 ecn", NULL, "ecn", 0, 0 },
	{ "redflowlimit 100000 ecn harddrop", NULL, "ecn harddrop", 0, 0 },
	{ "limit 3000 flows 512 divisor 16384 depth 100 headdrop redflowlimit 100000 min 8000 max 60000 "
	  "probability 0.2 ecn", "limit 3000 divisor 16384 flows 512 depth 100 headdrop redflowlimit "
	  "100000 min 8000 max 60000 probability 0.2 ecn", "probability 0.2", 0, 0 },
};
static const char *const sfq_bad[] = {
	"limit 1", "limit 20000", "limit 600 flows 4", "divisor 500", "divisor 131072", "depth 128", "depth 0",
	"flows 65409", "quantum 255", "ecn", "min 1000", "redflowlimit 100000 max 200000", "redflowlimit 3",
	"redflowlimit 100000 min 30000", "redflowlimit 100000 burst 3", "probability 1",
	"redflowlimit 1000 probability 2%", "depth 1 flows 1", NULL
};

static const struct queue_case tbf_cases[] = {
	{ "rate 2mbit burst 10kb limit 20kb", NULL, "rate 2Mbit burst 10Kb", 0, 0 },
	{ "rate 1mbit burst 1600b limit 20kb", NULL, "burst 1600b", 0, 0 },
	{ "rate 1mbit burst 10kb limit 30000b", NULL, "lat 158ms", 0, 0 },
	{ "rate 1mbit burst 10kb latency 50ms", "rate 1mbit burst 10kb limit 16490b", "lat 50ms", 0, 0 },
	{ "rate 1mbit buffer 4kb limit 20kb", "rate 1mbit burst 4kb limit 20kb", "burst 4Kb", 0, 0 },
	{ "rate 1mbit maxburst 4kb limit 20kb", "rate 1mbit burst 4kb limit 20kb", "burst 4Kb", 0, 0 },
	{ "rate 1mbit burst 10kb limit 20kb peakrate 4mbit mtu 2kb", NULL, "peakrate 4Mbit mtu 2Kb", 0, 0 },
	{ "rate 1mbit burst 10kb limit 20kb peakrate 4mbit minburst 1540b",
	  "rate 1mbit burst 10kb limit 20kb peakrate 4mbit mtu 1540b", "peakrate 4Mbit mtu 1540b", 0, 0 },
	{ "rate 1mbit burst 10kb latency 50ms peakrate 2mbit mtu 1540b",
	  "rate 1mbit burst 10kb limit 14040b peakrate 2mbit mtu 1540b", "peakrate 2Mbit", 0, 0 },
	{ "rate 1mbit burst 10kb limit 20kb mpu 64", NULL, "mpu 64b", 0, 0 },
	{ "rate 1mbit burst 10kb limit 20kb overhead 20", NULL, "overhead 20", 0, 0 },
	{ "rate 1mbit burst 10kb limit 20kb linklayer atm", NULL, "linklayer atm", 0, 0 },
	{ "rate 1mbit burst 10kb limit 20kb linklayer ethernet", "rate 1mbit burst 10kb limit 20kb",
	  "linklayer ethernet", CASE_SAME, 0 },
	{ "rate 40gbit burst 1mb limit 4mb", NULL, "rate 40Gbit burst 1045000b", 0, 0 },
	{ "rate 40gbit burst 1mb limit 4mb peakrate 80gbit mtu 64kb", NULL, "peakrate 80Gbit mtu 60000b", 0, 0 },
	{ "rate 100gbit burst 125000b limit 1mb", "rate 100gbit burst 122kb limit 1mb", "rate 100Gbit", 0, 0 },
	{ "rate 1kbit burst 1600b limit 20kb", NULL, "rate 1Kbit burst 1600b", 0, 0 },
};
static const char *const tbf_bad[] = {
	"", "rate 1mbit", "rate 1mbit burst 10kb", "rate 1mbit limit 10kb", "burst 10kb limit 10kb",
	"rate 1mbit burst 10kb limit 10kb latency 5ms", "rate 0 burst 10kb limit 10kb",
	"rate 1mbit burst 0 limit 10kb", "rate 1mbit burst 10kb limit 10kb peakrate 2mbit",
	"rate 1mbit burst 10kb limit 10kb mtu 2kb", "rate 2mbit burst 10kb limit 10kb peakrate 2mbit mtu 2kb",
	"rate 8bit burst 10kb limit 10kb", "rate 1mbit burst 10kb limit 10kb overhead 65536",
	"rate 1mbit burst 10kb limit 10kb linklayer token-ring", NULL
};

static const struct queue_case red_cases[] = {
	{ "limit 100kb avpkt 1000b", NULL, "limit 100Kb", 0, 0 },
	{ "limit 400kb avpkt 500b", NULL, "ewma", 0, 0 },
	{ "limit 400kb avpkt 1000b min 20000b", "limit 400kb min 20000b avpkt 1000b", "min 20000b max 60000b",
	  0, 0 },
	{ "limit 400kb avpkt 1000b max 90000b", "limit 400kb max 90000b avpkt 1000b", "min 30000b max 90000b",
	  0, 0 },
	{ "limit 400kb avpkt 1000b burst 100", NULL, "ewma 7", 0, 0 },
	{ "limit 400kb avpkt 1000b probability 0.1", NULL, "probability 0.1", 0, 0 },
	{ "limit 400kb avpkt 1000b bandwidth 100mbit", NULL, NULL, 0, 0 },
	{ "limit 400kb avpkt 1000b ecn", NULL, "ecn", 0, 0 },
	{ "limit 400kb avpkt 1000b ecn harddrop", NULL, "ecn harddrop", 0, 0 },
	{ "limit 400kb avpkt 1000b ecn nodrop", NULL, "ecn nodrop", 0, 0 },
	{ "limit 400kb avpkt 1000b adaptive", NULL, "adaptive", 0, 0 },
	{ "limit 400kb avpkt 1000b adaptative ecn", "limit 400kb avpkt 1000b ecn adaptive", "ecn adaptive",
	  0, 0 },
};
static const char *const red_bad[] = {
	"limit 400kb", "avpkt 1000", "limit 400kb avpkt 1000 nodrop", "limit 400kb avpkt 0",
	"limit 400kb avpkt 1000 adaptive ecn nodrop", "limit 400kb avpkt 1000 probability 1",
	"limit 400kb avpkt 1000 probability 5%", "limit 400kb avpkt 1000 min 500000",
	"limit 400kb avpkt 1000 min 20000 max 20000", "limit 400kb avpkt 1000 burst 5",
	"limit 400kb avpkt 1000 max 500kb", "limit 5 avpkt 1000", NULL
};

static const struct queue_case netem_cases[] = {
	{ "limit 77", NULL, "limit 77", 0, 0 },
	{ "delay 100ms", NULL, "delay 100ms", 0, 0 },
	{ "latency 100ms", "delay 100ms", "delay 100ms", 0, 0 },
	{ "delay 100ms 10ms", NULL, "delay 100ms  10ms", 0, 0 },
	{ "delay 100ms 10ms 25%", NULL, "delay 100ms  10ms 25%", 0, 0 },
	{ "delay 1.000001ms", "delay 1000.001us", "delay 1ms", CASE_NOT_TC, 0 },
	{ "delay 100ms 10ms distribution normal", NULL, "delay 100ms  10ms", CASE_NOT_TC, 0 },
	{ "delay 100ms 10ms distribution pareto", NULL, "delay 100ms  10ms", CASE_NOT_TC, 0 },
	{ "delay 100ms 10ms distribution paretonormal", NULL, "delay 100ms  10ms", CASE_NOT_TC, 0 },
	{ "delay 100ms 10ms distribution uniform", "delay 100ms 10ms", "delay 100ms  10ms", CASE_NOT_TC, 0 },
	{ "loss random 5%", NULL, "loss 5%", 0, 0 },
	{ "loss 0.3%", "loss random 0.3%", "loss 0.3%", 0, 0 },
	{ "drop 0.3% 25%", "loss random 0.3% 25%", "loss 0.3% 25%", 0, 0 },
	{ "loss random 0.0001%", NULL, "loss 0.0001", 0, 0 },
	{ "loss state 5%", NULL, "loss state p13 5% p31 95% p32 0% p23 100% p14 0%", 0, 0 },
	{ "loss state 1% 20% 3% 40% 5%", NULL, "loss state p13 1% p31 20% p32 3% p23 40% p14 5%", 0, 0 },
	{ "loss state 0% 100% 0% 100% 5%", NULL, "loss state p13 0% p31 100% p32 0% p23 100% p14 5%", 0, 0 },
	{ "loss gemodel 1%", NULL, "loss gemodel p 1% r 99% 1-h 100% 1-k 0%", 0, 0 },
	{ "loss gemodel 1% 10% 70% 0.1%", NULL, "loss gemodel p 1% r 10% 1-h 70% 1-k 0.1%", 0, 0 },
	{ "loss random 5% ecn", NULL, "ecn", 0, 0 },
	{ "loss gemodel 1% ecn", NULL, "ecn", 0, 0 },
	{ "corrupt 0.1%", NULL, "corrupt 0.1%", 0, 0 },
	{ "corrupt 0.1% 50%", NULL, "corrupt 0.1% 50%", 0, 0 },
	{ "duplicate 1%", NULL, "duplicate 1%", 0, 0 },
	{ "duplicate 1% 20%", NULL, "duplicate 1% 20%", CASE_NOT_TC, 0 },	/* tc forgets the 20% */
	{ "delay 10ms reorder 25%", NULL, "reorder 25% gap 1", 0, 0 },
	{ "delay 10ms reorder 25% 50% gap 5", NULL, "reorder 25% 50% gap 5", 0, 0 },
	{ "rate 5mbit", NULL, "rate 5Mbit", 0, 0 },
	{ "rate 5mbit 20", NULL, "rate 5Mbit packetoverhead 20", 0, 0 },
	{ "rate 5mbit -20 53 5", NULL, "rate 5Mbit packetoverhead -20 cellsize 53 celloverhead 5", 0, 0 },
	{ "rate 5mbit 0 53 -5", NULL, "rate 5Mbit cellsize 53 celloverhead -5", 0, 0 },
	{ "rate 40gbit", NULL, "rate 40Gbit", 0, 0 },
	{ "slot 1ms", NULL, "slot 1ms 1ms", 0, 0 },
	{ "slot 1ms 2ms", NULL, "slot 1ms 2ms", 0, 0 },
	{ "slot 0us 2ms", NULL, "slot 0ns 2ms", 0, 0 },
	{ "slot 1ms 2ms packets 5 bytes 10kb", NULL, "slot 1ms 2ms packets 5 bytes 10240", 0, 0 },
	{ "slot distribution normal 1ms 100us", NULL, "slot distribution 1ms 100us", CASE_NOT_TC, 0 },
	{ "slot distribution uniform 1ms 100us packets 3", NULL, "slot distribution 1ms 100us packets 3",
	  CASE_NOT_TC, 0 },
	{ "seed 12345678901234567890", NULL, NULL, CASE_NOT_TC, V6_6 },
	{ "delay 20ms 5ms loss 1% duplicate 0.5% corrupt 0.1% rate 10mbit limit 2000",
	  "limit 2000 delay 20ms 5ms loss random 1% corrupt 0.1% duplicate 0.5% rate 10mbit",
	  "limit 2000 delay 20ms  5ms loss 1% duplicate 0.5% corrupt 0.1% rate 10Mbit", 0, 0 },
};
static const char *const netem_bad[] = {
	"limit 0", "delay", "delay 100ms 25%", "distribution normal", "delay 10ms distribution normal",
	"delay 10ms 1ms distribution gauss", "loss 101%", "loss 5", "loss random", "loss sometimes",
	"loss 5% loss gemodel 5%", "loss 5% drop 5%", "loss state 1% 2% 3% 4% 5% 6%", "ecn", "reorder 25%",
	"gap 5", "delay 0 reorder 25%", "loss 0% ecn", "delay 10ms gap 5", "slot 2ms 1ms", "slot distribution normal", "packets 5", "slot 0 packets 5",
	"slot distribution normal 1ms 0", "slot distribution unknown 1ms 1ms", "slot 1ms slot distribution "
	"normal 1ms 1ms", "delay 10ms 3s", "seed x", NULL
};

static const struct queue_case pfifo_cases[] = {
	{ "limit 77", NULL, "limit 77p", 0, 0 },
	{ "limit 0", NULL, "limit 0p", 0, 0 },
};
static const char *const fifo_bad[] = { "limit", "limit 4294967296", "limit x", "limits 5", NULL };

static const struct queue_case bfifo_cases[] = {
	{ "limit 12345", "limit 12345b", "limit 12345b", 0, 0 },
	{ "limit 32kb", NULL, "limit 32Kb", 0, 0 },
};

#define QUEUE(name, base, bad) { #name, base, name##_cases, sizeof(name##_cases) / \
				 sizeof(name##_cases[0]), bad }
const struct queue_kind queue_kinds[] = {
	QUEUE(fq_codel, "", fq_codel_bad),
	QUEUE(fq, "", fq_bad),
	QUEUE(cake, "", cake_bad),
	QUEUE(codel, "", codel_bad),
	QUEUE(pie, "", pie_bad),
	QUEUE(sfq, "", sfq_bad),
	QUEUE(tbf, "rate 1mbit burst 10kb limit 20kb", tbf_bad),
	QUEUE(red, "limit 400kb avpkt 1000b", red_bad),
	QUEUE(netem, "", netem_bad),
	QUEUE(pfifo, "limit 1000", fifo_bad),
	QUEUE(bfifo, "limit 1mb", fifo_bad),
	{ "pfifo_head_drop", "limit 1000", pfifo_cases, sizeof(pfifo_cases) / sizeof(pfifo_cases[0]),
	  fifo_bad },
};
const size_t n_queue_kinds = sizeof(queue_kinds) / sizeof(queue_kinds[0]);

int queue_split(char *text, const char **argv, int max)
{
	char *save = NULL, *word;
	int n = 0;

	for (word = strtok_r(text, " ", &save); word && n < max; word = strtok_r(NULL, " ", &save))
		argv[n++] = word;
	return n;
}

/* ---- random options ---- */

static uint64_t draw(uint64_t *state, uint64_t below)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*state >> 16) % below;
}

/* Small and large numbers alike. */
static uint64_t draw_between(uint64_t *state, uint64_t min, uint64_t max)
{
	unsigned int bits = 0;
	uint64_t v;

	while (bits < 47 && (max - min) >> bits > 1)
		bits++;
	v = min + draw(state, UINT64_C(1) << draw(state, bits + 1));
	return v > max ? max : v;
}

static void random_list(const struct opt *row, uint64_t *state, FILE *f)
{
	uint64_t i;

	for (i = 0; i < row->max; i++)
		fprintf(f, " %u", (unsigned int)(row->type == OPT_BYTES ? draw(state, 3) :
						 draw_between(state, 16384, 1 << 20)));
}

static void random_value(const struct opt *row, uint64_t *state, FILE *f)
{
	static const uint64_t most[OPT_WORDS + 1] = {
		[OPT_NUM] = UINT32_MAX, [OPT_RATE] = UINT64_C(1) << 42, [OPT_SIZE] = 1 << 24,
		[OPT_TIME] = UINT64_C(20000000000), [OPT_CODEL_TIME] = UINT64_C(20000000000),
		[OPT_TICK_TIME] = UINT64_C(4000000000), [OPT_JIFFY_TIME] = UINT64_C(4000000000),
		[OPT_PROB] = 1000000, [OPT_FRACTION] = 1000000000, [OPT_HEX] = UINT32_MAX,
	};
	uint64_t max = row->max && row->max < most[row->type] ? row->max : most[row->type];
	union optval v = { .u = 0 };
	char buf[96];

	if (row->type == OPT_BYTES || row->type == OPT_WORDS) {
		random_list(row, state, f);
		return;
	}
	if (row->wire == WIRE_U32 && row->type == OPT_TIME && row->unit_ns == 1 && max > UINT32_MAX)
		max = UINT32_MAX;
	if (row->type == OPT_INT)
		v.u = (uint64_t)((int64_t)draw(state, 300) - 60);
	else if (row->type == OPT_MASKED)
		v.u = draw(state, 256) << 32 | draw(state, 256);
	else if (row->type == OPT_ENUM)
		while (row->names[v.u + 1] && draw(state, 3))
			v.u++;
	else
		v.u = draw_between(state, row->min, max);
	fprintf(f, " %s", opts_text(row, &v, buf, sizeof(buf)));
}

static void random_row(const struct opt *row, uint64_t *state, FILE *f)
{
	if (row->type == OPT_FLAG) {
		fprintf(f, " %s", row->off && draw(state, 2) ? row->off : row->word);
		return;
	}
	if (!(row->flags & (OPT_POS | OPT_BARE)))
		fprintf(f, " %s", row->word);
	random_value(row, state, f);
}

static bool avoided(const struct opt *row, const char *const *avoid)
{
	for (; avoid && *avoid; avoid++)
		if (!strcmp(row->word, *avoid))
			return true;
	return row->flags & (OPT_NO_MAN | OPT_POS);
}

static void try_words(const struct kind *kind, uint64_t *state, const char *const *avoid, char *buf,
		      size_t size)
{
	FILE *f = fmemopen(buf, size, "w");
	unsigned int r, i;

	for (r = 0; r < kind->n_opts; r++) {
		const struct opt *row = &kind->opts[r];

		if (avoided(row, avoid) || (!(row->flags & OPT_REQUIRED) && draw(state, 4)))
			continue;
		random_row(row, state, f);
		for (i = r + 1; i < kind->n_opts && kind->opts[i].flags & OPT_POS && draw(state, 2); i++)
			random_row(&kind->opts[i], state, f);
	}
	fputc(0, f);
	fclose(f);
}

static bool valid(const struct kind *kind, const char *words)
{
	char copy[1024];
	const char *argv[128];
	struct arena arena = { 0 };
	struct opt_error error;
	bool good;

	snprintf(copy, sizeof(copy), "%s", words);
	good = !opts_parse(kind, queue_split(copy, argv, 128), argv, opts_new(&arena, kind), &error);
	arena_free(&arena);
	return good;
}

void queue_random_words(const struct queue_kind *queue, const struct kind *kind, uint64_t *state,
			const char *const *avoid, char *buf, size_t size)
{
	int tries;

	for (tries = 0; tries < 500; tries++) {
		try_words(kind, state, avoid, buf, size);
		if (valid(kind, buf))
			return;
	}
	snprintf(buf, size, "%s", queue->base);
}
