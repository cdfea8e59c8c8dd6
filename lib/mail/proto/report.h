/* SPDX-License-Identifier: ISC */
/*
 * proto/report - `valija` and master, on $queue_directory/private/master,
 * which only root (or the one user of the suite) reaches.
 *
 *	valija                                   master
 *	  REPORT_STATUS                       ->
 *	                                      <- REPORT_PROCESS ...
 *	                                      <- REPORT_NOTE ...
 *	                                      <- REPORT_DONE
 *	  REPORT_RELOAD                       ->
 *	                                      <- REPORT_REMARK ...
 *	                                      <- REPORT_DONE, once the new
 *	                                         configuration serves or failed
 *	  REPORT_TABLES                       ->
 *	                                      <- REPORT_DONE, once those who are
 *	                                         told of changed tables know
 *	  REPORT_STOP                         -> the conversation ends when the
 *	                                         suite has
 *
 * Answers have the request's exchange number.
 */
#ifndef MAIL_PROTO_REPORT_H
#define MAIL_PROTO_REPORT_H

#include "base/chan.h"

enum report_kind {
	REPORT_STATUS,
	REPORT_RELOAD,
	REPORT_STOP,
	REPORT_TABLES,
	REPORT_PROCESS,
	REPORT_NOTE,
	REPORT_REMARK,
	REPORT_DONE,
	REPORT_KINDS,
};

struct report_ask {
	uint64_t reserved;
};
enum report_state {
	REPORT_STARTING,
	REPORT_READY,
	REPORT_LEAVING
};
struct report_process {
	struct str program;
	struct str service;
	uint64_t pid, uid;
	uint64_t generation;
	uint64_t state;
	uint64_t seconds; /* since its start */
	struct str text;  /* what it says of itself */
};
struct report_note {
	struct str text;
};
struct report_remark {
	uint64_t severity; /* enum conf_severity */
	struct str file;
	uint64_t line;
	struct str text;
};
struct report_done {
	uint64_t error; /* errno */
};

extern const struct protocol report_protocol;

#endif
