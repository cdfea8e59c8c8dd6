/* SPDX-License-Identifier: ISC */
/* settings - from parameters to a struct. */
#include "settings.h"

#include "mail/notice_class.h"
#include "nexthop.h"

#include <errno.h>

enum param
settings_twin(bool is_lmtp, enum param p)
{
	static const enum param twins[][2] = {
	    {PARAM_smtp_address_preference, PARAM_lmtp_address_preference},
	    {PARAM_smtp_balance_inet_protocols,
		PARAM_lmtp_balance_inet_protocols},
	    {PARAM_smtp_bind_address, PARAM_lmtp_bind_address},
	    {PARAM_smtp_bind_address6, PARAM_lmtp_bind_address6},
	    {PARAM_smtp_bind_address_enforce, PARAM_lmtp_bind_address_enforce},
	    {PARAM_smtp_connect_timeout, PARAM_lmtp_connect_timeout},
	    {PARAM_smtp_connection_reuse_count_limit,
		PARAM_lmtp_connection_reuse_count_limit},
	    {PARAM_smtp_connection_reuse_time_limit,
		PARAM_lmtp_connection_reuse_time_limit},
	    {PARAM_smtp_data_done_timeout, PARAM_lmtp_data_done_timeout},
	    {PARAM_smtp_data_init_timeout, PARAM_lmtp_data_init_timeout},
	    {PARAM_smtp_data_xfer_timeout, PARAM_lmtp_data_xfer_timeout},
	    {PARAM_smtp_defer_if_no_mx_address_found,
		PARAM_lmtp_defer_if_no_mx_address_found},
	    {PARAM_smtp_delivery_status_filter,
		PARAM_lmtp_delivery_status_filter},
	    {PARAM_smtp_discard_ehlo_keyword_address_maps,
		PARAM_lmtp_discard_lhlo_keyword_address_maps},
	    {PARAM_smtp_discard_ehlo_keywords,
		PARAM_lmtp_discard_lhlo_keywords},
	    {PARAM_smtp_dns_support_level, PARAM_lmtp_dns_support_level},
	    {PARAM_smtp_fallback_relay, PARAM_lmtp_fallback_relay},
	    {PARAM_smtp_generic_maps, PARAM_lmtp_generic_maps},
	    {PARAM_smtp_header_checks, PARAM_lmtp_header_checks},
	    {PARAM_smtp_helo_name, PARAM_lmtp_lhlo_name},
	    {PARAM_smtp_helo_timeout, PARAM_lmtp_lhlo_timeout},
	    {PARAM_smtp_host_lookup, PARAM_lmtp_host_lookup},
	    {PARAM_smtp_line_length_limit, PARAM_lmtp_line_length_limit},
	    {PARAM_smtp_mail_timeout, PARAM_lmtp_mail_timeout},
	    {PARAM_smtp_mx_address_limit, PARAM_lmtp_mx_address_limit},
	    {PARAM_smtp_mx_session_limit, PARAM_lmtp_mx_session_limit},
	    {PARAM_smtp_quit_timeout, PARAM_lmtp_quit_timeout},
	    {PARAM_smtp_randomize_addresses, PARAM_lmtp_randomize_addresses},
	    {PARAM_smtp_rcpt_timeout, PARAM_lmtp_rcpt_timeout},
	    {PARAM_smtp_reply_filter, PARAM_lmtp_reply_filter},
	    {PARAM_smtp_rset_timeout, PARAM_lmtp_rset_timeout},
	    {PARAM_smtp_sasl_auth_soft_bounce,
		PARAM_lmtp_sasl_auth_soft_bounce},
	    {PARAM_smtp_sasl_auth_enable, PARAM_lmtp_sasl_auth_enable},
	    {PARAM_smtp_sasl_mechanism_filter,
		PARAM_lmtp_sasl_mechanism_filter},
	    {PARAM_smtp_sasl_password_maps, PARAM_lmtp_sasl_password_maps},
	    {PARAM_smtp_sasl_password_result_delimiter,
		PARAM_lmtp_sasl_password_result_delimiter},
	    {PARAM_smtp_sasl_security_options,
		PARAM_lmtp_sasl_security_options},
	    {PARAM_smtp_sasl_tls_security_options,
		PARAM_lmtp_sasl_tls_security_options},
	    {PARAM_smtp_sasl_tls_verified_security_options,
		PARAM_lmtp_sasl_tls_verified_security_options},
	    {PARAM_smtp_send_dummy_mail_auth, PARAM_lmtp_send_dummy_mail_auth},
	    {PARAM_smtp_sender_dependent_authentication,
		PARAM_lmtp_sender_dependent_authentication},
	    {PARAM_smtp_skip_5xx_greeting, PARAM_lmtp_skip_5xx_greeting},
	    {PARAM_smtp_skip_quit_response, PARAM_lmtp_skip_quit_response},
	    {PARAM_smtp_tcp_port, PARAM_lmtp_tcp_port},
	    {PARAM_smtp_enforce_tls, PARAM_lmtp_enforce_tls},
	    {PARAM_smtp_starttls_timeout, PARAM_lmtp_starttls_timeout},
	    {PARAM_smtp_tls_CAfile, PARAM_lmtp_tls_CAfile},
	    {PARAM_smtp_tls_CApath, PARAM_lmtp_tls_CApath},
	    {PARAM_smtp_tls_cert_file, PARAM_lmtp_tls_cert_file},
	    {PARAM_smtp_tls_chain_files, PARAM_lmtp_tls_chain_files},
	    {PARAM_smtp_tls_ciphers, PARAM_lmtp_tls_ciphers},
	    {PARAM_smtp_tls_dcert_file, PARAM_lmtp_tls_dcert_file},
	    {PARAM_smtp_tls_eccert_file, PARAM_lmtp_tls_eccert_file},
	    {PARAM_smtp_tls_enforce_peername, PARAM_lmtp_tls_enforce_peername},
	    {PARAM_smtp_tls_exclude_ciphers, PARAM_lmtp_tls_exclude_ciphers},
	    {PARAM_smtp_tls_fingerprint_cert_match,
		PARAM_lmtp_tls_fingerprint_cert_match},
	    {PARAM_smtp_tls_fingerprint_digest,
		PARAM_lmtp_tls_fingerprint_digest},
	    {PARAM_smtp_tls_loglevel, PARAM_lmtp_tls_loglevel},
	    {PARAM_smtp_tls_mandatory_ciphers,
		PARAM_lmtp_tls_mandatory_ciphers},
	    {PARAM_smtp_tls_mandatory_exclude_ciphers,
		PARAM_lmtp_tls_mandatory_exclude_ciphers},
	    {PARAM_smtp_tls_mandatory_protocols,
		PARAM_lmtp_tls_mandatory_protocols},
	    {PARAM_smtp_tls_note_starttls_offer,
		PARAM_lmtp_tls_note_starttls_offer},
	    {PARAM_smtp_tls_policy_maps, PARAM_lmtp_tls_policy_maps},
	    {PARAM_smtp_tls_protocols, PARAM_lmtp_tls_protocols},
	    {PARAM_smtp_tls_scert_verifydepth,
		PARAM_lmtp_tls_scert_verifydepth},
	    {PARAM_smtp_tls_secure_cert_match,
		PARAM_lmtp_tls_secure_cert_match},
	    {PARAM_smtp_tls_security_level, PARAM_lmtp_tls_security_level},
	    {PARAM_smtp_tls_servername, PARAM_lmtp_tls_servername},
	    {PARAM_smtp_tls_session_cache_timeout,
		PARAM_lmtp_tls_session_cache_timeout},
	    {PARAM_smtp_tls_verify_cert_match,
		PARAM_lmtp_tls_verify_cert_match},
	    {PARAM_smtp_tls_wrappermode, PARAM_lmtp_tls_wrappermode},
	    {PARAM_smtp_use_tls, PARAM_lmtp_use_tls},
	};

	for (size_t i = 0; is_lmtp && i < sizeof(twins) / sizeof(*twins); i++)
		if (twins[i][0] == p)
			return twins[i][1];
	return p;
}

static enum param
twin(const struct settings *s, enum param p)
{
	return settings_twin(s->is_lmtp, p);
}

static bool
has_word(struct str list, const char *word)
{
	struct str w;

	while ((w = str_word(&list, ", \t\r\n")).len > 0)
		if (str_eq_case(w, str_c(word)))
			return true;
	return false;
}

static void
read_times(struct settings *s, const struct conf *c)
{
	s->connect_time = conf_time(c, twin(s, PARAM_smtp_connect_timeout));
	s->helo_time = conf_time(c, twin(s, PARAM_smtp_helo_timeout));
	s->mail_time = conf_time(c, twin(s, PARAM_smtp_mail_timeout));
	s->rcpt_time = conf_time(c, twin(s, PARAM_smtp_rcpt_timeout));
	s->data_init_time = conf_time(c, twin(s, PARAM_smtp_data_init_timeout));
	s->data_block_time =
	    conf_time(c, twin(s, PARAM_smtp_data_xfer_timeout));
	s->data_done_time = conf_time(c, twin(s, PARAM_smtp_data_done_timeout));
	s->rset_time = conf_time(c, twin(s, PARAM_smtp_rset_timeout));
	s->quit_time = conf_time(c, twin(s, PARAM_smtp_quit_timeout));
	s->plain_after = conf_time(c, PARAM_minimal_backoff_time);
	s->reuse_time =
	    conf_time(c, twin(s, PARAM_smtp_connection_reuse_time_limit));
}

/* With the DNS, and how else? */
static int
read_host_lookup(struct settings *s, const struct conf *c, struct buf *why)
{
	struct str lookup = conf_str(c, twin(s, PARAM_smtp_host_lookup));
	struct str level = conf_str(c, twin(s, PARAM_smtp_dns_support_level));
	bool is_off = level.len == 0 ? conf_bool(c, PARAM_disable_dns_lookups)
	                             : str_eq_case(level, STR("disabled"));

	s->lookup_dns = !is_off && has_word(lookup, "dns");
	s->lookup_native = is_off || has_word(lookup, "native");
	if (s->lookup_dns || s->lookup_native)
		return 0;
	buf_addf(why, "%s: neither dns nor native",
	    param_table[twin(s, PARAM_smtp_host_lookup)].name);
	return -EINVAL;
}

static void
read_lookups(struct settings *s, const struct conf *c)
{
	struct str protocols = conf_str(c, PARAM_inet_protocols);
	struct str first = conf_str(c, twin(s, PARAM_smtp_address_preference));

	s->discard = conf_str(c, twin(s, PARAM_smtp_discard_ehlo_keywords));
	s->use_ipv4 = has_word(protocols, "all") || has_word(protocols, "ipv4");
	s->use_ipv6 = has_word(protocols, "all") || has_word(protocols, "ipv6");
	s->first = str_eq(first, STR("ipv4"))   ? FAMILY_IPV4
	           : str_eq(first, STR("ipv6")) ? FAMILY_IPV6
	                                        : FAMILY_ANY;
	s->ignore_mx_error = conf_bool(c, PARAM_ignore_mx_lookup_error);
	s->defer_no_address =
	    conf_bool(c, twin(s, PARAM_smtp_defer_if_no_mx_address_found));
	s->enforce_bind =
	    conf_bool(c, twin(s, PARAM_smtp_bind_address_enforce));
	s->shuffle = conf_bool(c, twin(s, PARAM_smtp_randomize_addresses));
	s->balance = conf_bool(c, twin(s, PARAM_smtp_balance_inet_protocols));
	s->address_limit =
	    (size_t)conf_int(c, twin(s, PARAM_smtp_mx_address_limit));
	s->session_limit =
	    (size_t)conf_int(c, twin(s, PARAM_smtp_mx_session_limit));
}

static int
read_bind(struct ip *ret, const struct conf *c, enum param p, uint8_t family,
    struct buf *why)
{
	struct str text = conf_str(c, p);

	*ret = (struct ip){.family = 0};
	if (text.len == 0)
		return 0;
	if (ip_parse_literal(text, ret) == 0 || ip_parse(text, ret) == 0)
		if (ret->family == family)
			return 0;
	buf_addf(why, "%s: \"%.*s\" is not an IPv%u address",
	    param_table[p].name, STR_ARG(text), family);
	return -EINVAL;
}

int
settings_read(struct settings *s, const struct conf *c, struct buf *why)
{
	s->is_lmtp = str_eq(conf_str(c, PARAM_process_name), STR("lmtp"));
	*s = (struct settings){
	    .is_lmtp = s->is_lmtp,
	    .assume_final = conf_bool(c, PARAM_lmtp_assume_final),
	    .myhostname = conf_str(c, PARAM_myhostname),
	    .helo_name = conf_str(c, twin(s, PARAM_smtp_helo_name)),
	    .inet_interfaces = conf_str(c, PARAM_inet_interfaces),
	    .proxy_interfaces = conf_str(c, PARAM_proxy_interfaces),
	    .relayhost = conf_str(c, PARAM_relayhost),
	    .best_mx = conf_str(c, PARAM_best_mx_transport),
	    .fallback = conf_str(c, twin(s, PARAM_smtp_fallback_relay)),
	    .notices = notice_classes(conf_str(c, PARAM_notify_classes), NULL),
	    .skip_5xx_greeting =
		conf_bool(c, twin(s, PARAM_smtp_skip_5xx_greeting)),
	    .skip_quit_reply =
		conf_bool(c, twin(s, PARAM_smtp_skip_quit_response)),
	    .never_ehlo = conf_bool(c, PARAM_smtp_never_send_ehlo),
	    .always_ehlo = conf_bool(c, PARAM_smtp_always_send_ehlo),
	    .notes_starttls =
		conf_bool(c, twin(s, PARAM_smtp_tls_note_starttls_offer)),
	    .converts = !conf_bool(c, PARAM_disable_mime_output_conversion),
	    .line_limit =
		(size_t)conf_int(c, twin(s, PARAM_smtp_line_length_limit)),
	    .reuse_limit = (size_t)conf_int(
		c, twin(s, PARAM_smtp_connection_reuse_count_limit)),
	};
	read_times(s, c);
	read_lookups(s, c);
	enum param tcp_port = twin(s, PARAM_smtp_tcp_port);
	struct str port = conf_str(c, tcp_port);
	if (nexthop_port(port, &s->port) != 0) {
		buf_addf(why, "%s: \"%.*s\" is not a port",
		    param_table[tcp_port].name, STR_ARG(port));
		return -EINVAL;
	}
	int e = read_host_lookup(s, c, why);
	if (e == 0)
		e = read_bind(
		    &s->bind4, c, twin(s, PARAM_smtp_bind_address), 4, why);
	if (e == 0)
		e = read_bind(
		    &s->bind6, c, twin(s, PARAM_smtp_bind_address6), 6, why);
	return e;
}
