/* SPDX-License-Identifier: ISC */
/*
 * table - postmap(1) and postalias(1): one command with two formats of
 * source files.
 */
#ifndef TOOLS_TABLE_H
#define TOOLS_TABLE_H

#include "dict/dict_build.h"

struct table_command {
	const char *name;
	enum dict_build_format format;
	const char *separator; /* between key and value, on output */
	const char *usage;
};

int table_main(const struct table_command *c, int argc, char **argv);

#endif
