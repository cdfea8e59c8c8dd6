/* SPDX-License-Identifier: ISC */
/* postmap - makes and asks tables of keys and values: postmap(1). */
#include "table.h"

int
main(int argc, char **argv)
{
	static const struct table_command command = {
	    .name = "postmap",
	    .format = DICT_BUILD_MAP,
	    .separator = "\t",
	    .usage = "[-NFfinoprsuUvw] [-c config_dir] [-d key] [-q key] "
		     "[map_type:]file...",
	};

	return table_main(&command, argc, argv);
}
