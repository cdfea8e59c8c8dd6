/* SPDX-License-Identifier: ISC */
/*
 * control - the protocol between master and each program it started, on
 * descriptor 3 of the program.
 *
 *	master                                   program
 *	  CONTROL_START + config memfd, log fd ->
 *	  CONTROL_GIFT + fd  (a row of them)   ->
 *	  CONTROL_GO                           ->
 *	                                       <- CONTROL_READY
 *	                                       <- CONTROL_WANT {service}
 *	  CONTROL_LINK + fd (same exchange)    ->   to the one who asked
 *	  CONTROL_LINK + fd (exchange 0)       ->   to the one who serves
 *	                                       <- CONTROL_CONNECT {endpoint}
 *	  CONTROL_LINK + fd (same exchange)    ->   connected
 *	                                       <- CONTROL_LOG: it is lost
 *	  CONTROL_LOG + fd                     ->   when the log's target moved
 *	  CONTROL_CONFIG + fd                  ->   qmgr alone
 *	  CONTROL_DRAIN                        ->
 *	                                       <- CONTROL_DONE
 *	                                       <- CONTROL_STATUS {text}
 *
 * CONTROL_START brings the configuration and the log's descriptor, in that
 * order.  CONTROL_DONE answers each CONTROL_CONFIG and CONTROL_DRAIN: from
 * here on the new configuration counts; nothing new is taken.  End of file
 * from master means: leave.  One request of a kind is open at a time but for
 * CONTROL_WANT (one per service) and CONTROL_CONNECT.
 */
#ifndef BASE_CONTROL_H
#define BASE_CONTROL_H

#include "base/chan.h"

#define CONTROL_FD    3
#define GIFT_NAME_MAX 4096

enum control_kind {
	CONTROL_START,
	CONTROL_GIFT,
	CONTROL_GO,
	CONTROL_READY,
	CONTROL_WANT,
	CONTROL_CONNECT,
	CONTROL_LINK,
	CONTROL_LOG,
	CONTROL_CONFIG,
	CONTROL_DRAIN,
	CONTROL_DONE,
	CONTROL_STATUS,
	CONTROL_KINDS,
};

struct control_start {
	struct str service; /* the master.cf name: "submission", "relay" */
	struct str syslog_name;
	struct str hostname; /* for log files */
	uint64_t log_target; /* enum log_target */
	uint64_t facility;
	uint64_t generation; /* of the configuration */
	uint64_t is_root_suite;
	uint64_t limit; /* processes, as master.cf has it; 0: none is said */
};
struct control_gift {
	struct str name;
};
struct control_go {
	uint64_t gifts; /* how many were sent */
};
struct control_ready {
	uint64_t pid;
};
struct control_want {
	struct str service;
};
struct control_connect {
	struct str endpoint; /* net/endpoint.h; one that main.cf names */
};
struct control_link {
	struct str peer; /* the other's service name; the endpoint's text */
	uint64_t error;  /* errno when there is no link; then no fd */
};
struct control_log {
	uint64_t log_target;
};
struct control_config {
	uint64_t generation;
};
struct control_drain {
	uint64_t reason; /* 0: finish; 1: be quick about it */
};
struct control_done {
	uint64_t generation; /* that counts, or leaves */
};
struct control_status {
	struct str text;
};

extern const struct protocol control_protocol;

#endif
