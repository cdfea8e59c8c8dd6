/* SPDX-License-Identifier: ISC */
/*
 * conf_wire - a configuration as bytes: what was set and what the host said
 * of itself.  The receiver evaluates them as the sender did, and comes to
 * the same values.
 */
#include "mail/conf_body.h"

#include "base/shape.h"

struct wire {
	struct str dir;
	struct str host;
	struct str origin;
	struct str interfaces;
	struct rows settings; /* struct conf_setting */
	struct rows cleanup;  /* the same */
};

static const struct field setting_fields[] = {
    SHAPE_LINE(struct conf_setting, name, 256),
    SHAPE_STR(struct conf_setting, value, CONF_VALUE_MAX),
    SHAPE_STR(struct conf_setting, file, 8192),
    SHAPE_U64(struct conf_setting, line, UINT32_MAX),
};
static const struct shape setting_shape =
    SHAPE("setting", struct conf_setting, setting_fields);

static const struct field wire_fields[] = {
    SHAPE_STR(struct wire, dir, 8192),
    SHAPE_LINE(struct wire, host, 255),
    SHAPE_LINE(struct wire, origin, 4096),
    SHAPE_LINE(struct wire, interfaces, CONF_INTERFACES_MAX),
    SHAPE_ROWS(struct wire, settings, CONF_SETTINGS_MAX, &setting_shape),
    SHAPE_ROWS(struct wire, cleanup, CONF_SETTINGS_MAX, &setting_shape),
};
static const struct shape wire_shape = SHAPE("conf", struct wire, wire_fields);

int
conf_encode(const struct conf *c, struct buf *out)
{
	ARENA_CLEANUP struct arena a = {0};
	arena_init(&a, CONF_SETTINGS_MAX * (sizeof(struct conf_setting) + 16));
	struct conf_setting *list =
	    arena_array(&a, c->count, sizeof(struct conf_setting));

	for (size_t i = 0; i < c->count; i++)
		list[i] = c->sorted[i]->set;
	struct wire w = {.dir = c->dir,
	    .host = c->host,
	    .origin = c->origin,
	    .interfaces = c->interfaces,
	    .settings = {list, c->count},
	    .cleanup = {c->cleanup_settings, c->cleanup_count}};
	return shape_encode(&wire_shape, &w, out);
}

struct conf *
conf_decode(struct str bytes)
{
	struct conf_remarks r = {0};
	ARENA_CLEANUP struct arena a = {0};
	arena_init(
	    &a, 2 * CONF_SETTINGS_MAX * (sizeof(struct conf_setting) + 16));
	const char *why;
	struct wire w;

	if (bytes.len > CONF_ARENA_MAX / 8 ||
	    shape_decode(&wire_shape, bytes, &a, &w, &why) != 0)
		return NULL;

	struct conf *c = conf_make(w.dir);
	c->host = arena_str(&c->arena, w.host);
	c->origin = arena_str(&c->arena, w.origin);
	c->interfaces = arena_str(&c->arena, w.interfaces);
	const struct conf_setting *list = w.settings.p;
	for (size_t i = 0; i < w.settings.n; i++)
		conf_put(c, &list[i], &r);
	conf_find_facts(c, &r);
	conf_evaluate(c, &r);
	conf_set_cleanup(c, w.cleanup.p, w.cleanup.n, &r);
	if (r.failed)
		conf_free(&c);
	return c;
}
