/* SPDX-License-Identifier: ISC */
/* inhand - one page.  What an earlier run left is copied out at the start. */
#include "inhand.h"

#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PATH      "journal/inhand"
#define PAGE      4096
#define ID_MAX    40
#define COUNT_MAX 2

/* As it stands in the file: whoever crashed last, and how often in a row. */
struct page {
	char now[ID_MAX];  /* empty: nothing is in hand */
	char last[ID_MAX]; /* was, at the last crash */
	unsigned char crashes;
};

struct inhand {
	struct page *page;
	struct page nowhere; /* when there is no file */
};

static struct page *
map_page(int dirfd)
{
	FD_CLEANUP int fd = openat(
	    dirfd, PATH, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	void *p = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, PAGE) == 0)
		p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

/* A crash with something in hand: the same as last time? */
static void
count(struct page *p)
{
	p->now[ID_MAX - 1] = p->last[ID_MAX - 1] = '\0';
	if (p->now[0] == '\0')
		return;
	if (strcmp(p->now, p->last) != 0) {
		memcpy(p->last, p->now, ID_MAX);
		p->crashes = 0;
	}
	if (p->crashes < COUNT_MAX)
		p->crashes++;
	p->now[0] = '\0';
	log_warning("%s: was in hand when the queue manager ended", p->last);
}

struct inhand *
inhand_open(int dirfd)
{
	struct inhand *h = calloc(1, sizeof(*h));

	if (h == NULL)
		log_fatal("out of memory");
	h->page = map_page(dirfd);
	if (h->page == NULL) {
		log_warning("%s cannot be used: %s", PATH, strerror(errno));
		h->page = &h->nowhere;
	}
	count(h->page);
	return h;
}

bool
inhand_is_poison(const struct inhand *h, struct str id)
{
	return h->page->crashes >= COUNT_MAX &&
	       str_eq(id, str_c(h->page->last));
}

void
inhand_set(struct inhand *h, const char *id)
{
	strlcpy(h->page->now, id, ID_MAX);
}

void
inhand_clear(struct inhand *h)
{
	h->page->now[0] = '\0';
}
