/* SPDX-License-Identifier: ISC */
/*
 * param_why - the reasons in param.def that more than one row gives: why a
 * parameter of Postfix's is not acted on, and what to use instead.
 */
#ifndef MAIL_PARAM_WHY_H
#define MAIL_PARAM_WHY_H

/* Nothing is lost (MOOT). */
#define WHY_PATHS                                                              \
	"the suite knows where it was installed, and installs no other paths"
#define WHY_DEBUG     "programs have no verbose mode: strace(1) and the log tell"
#define WHY_READ_ONLY "it is told by the suite, not set"
#define WHY_PROCESSES                                                          \
	"processes are few, serve many sessions each, and are replaced at a "  \
	"reload: there is nothing to tune"
#define WHY_SERVICE_NAME                                                       \
	"programs are linked by master and have no names to look for; what "   \
	"such a service does in Postfix is done by a library or another "      \
	"program"
#define WHY_STRICT   "it is as Postfix's default is, always"
#define WHY_AUTH_OWN "the mechanisms are the suite's own, and no library's"
#define WHY_INSIDE                                                             \
	"it tunes how Postfix is built inside, and has no counterpart here"
#define WHY_SCHEDULER                                                          \
	"qmgr is fair between messages and destinations by another method, "   \
	"which has no such number"

#define WHY_CYRUS "there is no Cyrus SASL"

/* Something is missing (GONE). */
#define WHY_TLS_SERVER "there is no tlsproxy: smtpd speaks TLS itself"
#define WHY_DANE                                                               \
	"TLSA records are not asked for yet: smtp_tls_policy_maps can say "    \
	"secure, or fingerprint"
#define WHY_TLSRPT   "reports of TLS (RFC 8460) are not sent yet: the log tells"
#define WHY_TLS_SITE "it is older than, and said by, smtp_tls_policy_maps"
#define WHY_TLS_RAW                                                            \
	"servers show certificates; the level fingerprint takes their keys"
#define WHY_TLS_ANCHOR                                                         \
	"a CA of one destination: the level fingerprint takes a certificate "  \
	"of its own"
#define WHY_TLS "there is no such thing yet in our TLS"
#define WHY_TLS_DH                                                             \
	"the groups of RFC 3526 and RFC 7919 are taken, by the size of the "   \
	"certificate's key"
#define WHY_TLS_RANDOM "randomness is the kernel's"
#define WHY_LOCAL_LOGIN                                                        \
	"who may call sendmail(1) may name any sender: "                       \
	"authorized_submit_users "                                             \
	"says who may"
#define WHY_AUTH_CACHE                                                         \
	"a refused login is not remembered: the next session tries it again, " \
	"and mail waits meanwhile (smtp_sasl_auth_soft_bounce)"
#define WHY_POSTSCREEN                                                         \
	"there is no postscreen: smtpd serves thousands of idle clients by "   \
	"itself; smtpd_client_restrictions and "                               \
	"smtpd_forbid_unauth_pipelining turn the bad ones away"
#define WHY_MILTER                                                             \
	"milters are not asked yet: mail is taken without them; filter at "    \
	"delivery, by mailbox_command"
#define WHY_MILTER_HOW                                                         \
	"it says how to ask a milter, and smtpd_milters or "                   \
	"non_smtpd_milters whom"
#define WHY_VERIFY                                                             \
	"addresses are not probed: use relay_recipient_maps and "              \
	"reject_unlisted_recipient"
#define WHY_REWRITE                                                            \
	"addresses are not mapped yet: virtual_alias_maps changes "            \
	"recipients; senders stay as they are"
#define WHY_MAILBOX                                                            \
	"not yet: deliver by home_mailbox, mailbox_command, aliases or "       \
	"transport_maps"
#define WHY_COMMAND                                                            \
	"addresses never stand in the text of a command, so that nothing "     \
	"has to be filtered: a command finds them in its environment"
#define WHY_MIME                                                               \
	"messages are taken as they come, 8-bit included: their MIME "         \
	"structure is not checked"
#define WHY_HEADER                                                             \
	"headers are repaired as Postfix does by default (Bcc, "               \
	"Content-Length and Return-Path removed, missing ones added)"
#define WHY_SMTP "smtp does as Postfix does by default"

#endif
