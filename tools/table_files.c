/* SPDX-License-Identifier: ISC */
/* table_files - values that are the contents of files. */
#include "table_files.h"

#include "base/arena.h"
#include "base/file.h"
#include "mail/base64.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define SEPARATORS ", \t\r\n"
#define PATH_ROOM  4096

static int
add_file(struct str name, struct buf *text, struct buf *why)
{
	char path[PATH_ROOM];
	int e;

	if (name.len >= sizeof(path))
		return -ENAMETOOLONG;
	memcpy(path, name.p, name.len);
	path[name.len] = '\0';
	e = file_read(AT_FDCWD, path, text);
	if (e < 0)
		buf_addf(why, "%s: %s", path,
		    e == -EMSGSIZE ? "too large for a table" : strerror(-e));
	return e;
}

static int
read_files(struct str names, struct buf *ret, struct buf *why)
{
	struct str name;
	int e = 0;

	while (e == 0 && (name = str_word(&names, SEPARATORS)).len > 0)
		e = add_file(name, ret, why);
	return e;
}

int
table_files_encode(struct str names, struct buf *ret, struct buf *why)
{
	struct buf text;
	int e;

	buf_init(&text, TABLE_FILES_MAX);
	buf_room(&text, TABLE_FILES_MAX);
	e = read_files(names, &text, why);
	if (e == 0)
		e = base64_encode(buf_str(&text), ret);
	explicit_bzero(text.p, text.cap);
	buf_done(&text);
	return e;
}

int
table_files_show(struct str value, struct buf *ret, struct buf *why)
{
	int e;

	if (str_has_prefix(value, STR("/")))
		return read_files(value, ret, why);
	e = base64_decode(value, ret);
	if (e < 0)
		buf_add_c(why, "a value is no base64, as -F makes it");
	return e;
}
