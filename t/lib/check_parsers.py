# SPDX-License-Identifier: ISC
"""Whoever reads bytes from outside is tested on malformed input that ends at
a page that cannot be read (t/unit/guard.h), and by a fuzz target.

PARSERS says for each which, and what is called there when it is a caller of
it; a function that is declared in a header and whose name says that it parses
or decodes stands there or among OTHERS, with the reason why."""
import glob
import os
import re
import sys

# function (or the beginning of a module's): unit test, fuzz target
PARSERS = {
    "addr_parse": ("mail/test_addr", "addr_list"),
    "addr_parse_list": ("mail/test_addr", "addr_list"),
    "addr_parse_path": ("mail/test_addr", "addr_path"),
    "base64_decode": ("mail/test_base64", "base64"),
    "cf_lines_next": ("mail/test_cf_line", "conf: conf_from_text"),
    "conf_expand": ("mail/test_conf_expand", "conf: conf_from_text"),
    "content_type_parse": ("mail/test_content_type", "smtp_convert: convert_"),
    "data_parse": ("smtpd/test_data", "smtpd_data"),
    "dovecot_parse_line": ("smtpd/test_dovecot", "dovecot"),
    "dsn_envid_parse": ("mail/test_params: params_", "params: params_"),
    "dsn_notify_parse": ("mail/test_params: params_", "params: params_"),
    "dsn_orcpt_parse": ("mail/test_params: params_", "params: params_"),
    "dsn_ret_parse": ("mail/test_params: params_", "params: params_"),
    "dsn_xtext_decode": ("mail/test_dsn", "params: params_"),
    "endpoint_parse": ("net/test_endpoint", "policy"),
    "entry_decode": ("base/test_shape: shape_decode", "queue_segment"),
    "exec_": ("mda/test_exec", "mda_exec"),
    "form_parse": ("keys/test_form", "keys_form"),
    "header_next": ("mail/test_header", "header"),
    "header_parse_line": ("mail/test_header", "header: header_next"),
    "ip_block_parse": ("net/test_ip", "ip"),
    "ip_parse": ("net/test_ip", "ip"),
    "ip_parse_literal": ("net/test_ip", "ip"),
    "joiner_add": ("base/test_packet", "packet"),
    "line_parse": ("auth/test_line", "auth"),
    "lines_next": ("dict/test_text", "dict_text"),
    "log_line_parse": ("tools/test_log_line", "log_line"),
    "master_cf_from_text": ("mail/test_master_cf", "master_cf"),
    "mime_": ("mail/test_mime", "smtp_convert: convert_"),
    "question_parse": ("pam/test_question", "pam_question"),
    "params_": ("mail/test_params", "params"),
    "policy_reply_line": ("smtpd/test_policy", "policy"),
    "progress_decode": ("queue/test_progress", "queue_file"),
    "repair_line": ("mail/test_repair", "repair"),
    "reply_add": ("smtp/test_reply", "smtp_reply"),
    "resolvers_parse": ("dns/test_resolver", "resolvers"),
    "resolvers_parse_file": ("dns/test_resolver", "resolvers"),
    "sasl_step": ("mail/test_sasl", "sasl"),
    "saslprep": ("mail/test_saslprep", "saslprep"),
    "scram_name_decode": ("mail/test_scram", "base64"),
    "scram_take": ("mail/test_scram", "base64"),
    "secrets_parse": ("mail/test_secrets", "secrets"),
    "segment_parse_header": ("queue/test_record", "queue_segment"),
    "shape_decode": ("base/test_shape", "shape"),
    "shape_parse": ("base/test_shape_text", "shape_text"),
    "sift_bytes": ("mail/test_sift", "sift"),
    "targets_parse": ("local/test_targets", "targets: targets_parse_file"),
    "targets_parse_file": ("local/test_targets", "targets"),
    "templates_read": ("bounce/test_template", "bounce_template"),
    "wire_match": ("dns/test_wire", "dns_wire"),
    "wire_name_parse": ("dns/test_wire", "dns_wire"),
}
# What it reads is nobody else's, or it stands on one of the above.
OTHERS = {
    "checks_parse": "tables' values: root's",
    "conf_decode": "master's memfd; a shape",
    "conf_value_parse": "main.cf's values: root's",
    "feedback_parse": "main.cf's values: root's",
    "filter_parse_age": "the command line of root's own tool",
    "master_text_parse": "master.cf, of those who may write it",
    "nexthop_parse": "main.cf's and tables' values: root's; has a table at a guard page",
    "nexthop_parse_lmtp": "main.cf's and tables' values: root's",
    "rules_parse": "main.cf's restrictions: root's",
    "serve_args_parse": "master's own words",
    "shape_decode_front": "shape_decode, which needs not be at the end",
    "str_parse_u64": "a part of most of the others",
}


def names_call(path, call, needs=None):
    try:
        with open(path) as f:
            text = f.read()
    except OSError:
        return False
    tail = r"\w*\(" if call.endswith("_") else r"\("
    return re.search(rf"\b{call}{tail}", text) is not None and (needs is None or needs in text)


def place(where, function):
    """(file, what is called there)"""
    name, _, call = where.partition(": ")
    return name, call or function


bad = []
for function, (unit, target) in PARSERS.items():
    name, call = place(unit, function)
    if not names_call(f"t/unit/{name}.c", call, "guard_copy("):
        bad.append(f"{function}: t/unit/{name}.c does not try {call}() at a guard page")
    name, call = place(target, function)
    if not names_call(f"t/fuzz/fuzz_{name}.c", call):
        bad.append(f"{function}: t/fuzz/fuzz_{name}.c does not call {call}()")
    if not os.listdir(f"t/fuzz/corpus/{name}"):
        bad.append(f"{function}: t/fuzz/corpus/{name} is empty")
for header in glob.glob("*/*.h") + glob.glob("lib/**/*.h", recursive=True):
    if header.startswith("t/"):
        continue
    with open(header) as f:
        for function in re.findall(r"\b(\w+_(?:parse|decode)\w*)\(", f.read()):
            if function not in PARSERS and function not in OTHERS:
                bad.append(f"{header}: {function}: name its unit test and its fuzz target in t/lib/check_parsers.py")
print("\n".join(sorted(set(bad))))
sys.exit(1 if bad else 0)
