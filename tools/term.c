/* SPDX-License-Identifier: ISC */
/* term - termios and the escape sequences that every terminal of today has. */
#include "term.h"

#include "base/file.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l" /* the other screen, no cursor */
#define LEAVE "\033[?25h\033[?1049l"

#define WIDTH  80
#define HEIGHT 24

static struct termios before;
static bool is_open;

void
term_close(void)
{
	if (!is_open)
		return;
	is_open = false;
	fd_write_all(STDOUT_FILENO, LEAVE, sizeof(LEAVE) - 1);
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

bool
term_open(void)
{
	struct termios t;

	if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before) < 0)
		return false;
	t = before;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	/* A read takes what is there: the descriptor is others' as well, and
	 * stays blocking. */
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 0;
	t.c_cc[VSUSP] = _POSIX_VDISABLE;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &t) < 0)
		return false;
	is_open = true;
	atexit(term_close);
	fd_write_all(STDOUT_FILENO, ENTER, sizeof(ENTER) - 1);
	return true;
}

void
term_size(unsigned *ret_width, unsigned *ret_height)
{
	struct winsize size = {0};

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	*ret_width = size.ws_col > 0 ? size.ws_col : WIDTH;
	*ret_height = size.ws_row > 0 ? size.ws_row : HEIGHT;
}

/* Behind the escape byte. */
static const struct {
	struct str bytes;
	enum key key;
} sequences[] = {
    {{"[A", 2}, KEY_UP},
    {{"[B", 2}, KEY_DOWN},
    {{"OA", 2}, KEY_UP},
    {{"OB", 2}, KEY_DOWN},
    {{"[5~", 3}, KEY_PAGE_UP},
    {{"[6~", 3}, KEY_PAGE_DOWN},
    {{"[H", 2}, KEY_HOME},
    {{"[F", 2}, KEY_END},
    {{"OH", 2}, KEY_HOME},
    {{"OF", 2}, KEY_END},
    {{"[1~", 3}, KEY_HOME},
    {{"[4~", 3}, KEY_END},
    {{"[D", 2}, KEY_ESCAPE},
    {{"OD", 2}, KEY_ESCAPE},
};

/* One that is not ours: up to its final letter. */
static void
skip_sequence(struct str *in)
{
	size_t n = 1;

	while (n < in->len && (in->p[n] < '@' || in->p[n] > '~'))
		n++;
	*in = str_from(*in, n + 1);
}

static enum key
escape_key(struct str *in)
{
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		if (!str_has_prefix(*in, sequences[i].bytes))
			continue;
		*in = str_from(*in, sequences[i].bytes.len);
		return sequences[i].key;
	}
	if (in->len == 0 || (in->p[0] != '[' && in->p[0] != 'O'))
		return KEY_ESCAPE;
	skip_sequence(in);
	return KEY_NONE;
}

enum key
term_key(struct str *in, char *ret_char)
{
	char c = in->p[0];

	*in = str_from(*in, 1);
	if (c == '\033')
		return escape_key(in);
	if (c == '\n' || c == '\r')
		return KEY_ENTER;
	if (c < ' ' || c > '~')
		return KEY_NONE;
	*ret_char = c;
	return KEY_CHAR;
}
