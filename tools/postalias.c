/* SPDX-License-Identifier: ISC */
/* postalias - makes and asks tables of aliases: postalias(1). */
#include "table.h"

int
main(int argc, char **argv)
{
	static const struct table_command command = {
	    .name = "postalias",
	    .format = DICT_BUILD_ALIASES,
	    .separator = ":\t",
	    .usage = "[-NfinoprsuUvw] [-c config_dir] [-d key] [-q key] "
		     "[map_type:]file...",
	};

	return table_main(&command, argc, argv);
}
