/* SPDX-License-Identifier: ISC */
/*
 * shape - the description of a struct, by which it is written as bytes and
 * read back.
 *
 * Packets between processes and records in the queue have one codec, this
 * one.  A value is a list of named, typed fields; the description is a table
 * beside the struct.  Decoding checks everything: each field of the shape
 * there exactly once and in order, no other field, the right type, within its
 * bound, nothing left over.  So a reader never sees a value that the table
 * does not allow, and two sides that do not agree find out at once.
 *
 *	struct query {
 *		struct str name;
 *		uint64_t type;
 *	};
 *	static const struct field query_fields[] = {
 *		SHAPE_STR(struct query, name, 255),
 *		SHAPE_U64(struct query, type, 65535),
 *	};
 *	const struct shape query_shape = SHAPE("query", struct query,
 *	    query_fields);
 *
 * On the wire a field is: type (1 byte), length of name (1 byte), name, then
 * 8 bytes little endian for a number, 4 bytes of length and the bytes for a
 * str, 4 bytes of count and the items for rows, the value itself for one.  A
 * value begins with the name of its shape and the count of its fields.
 */
#ifndef BASE_SHAPE_H
#define BASE_SHAPE_H

#include "base/arena.h"
#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

enum field_type {
	FIELD_U64 = 1, /* uint64_t, at most `max` */
	FIELD_I64,     /* int64_t, -max..max */
	FIELD_STR,     /* struct str, at most `max` bytes, any byte */
	FIELD_LINE,    /* struct str without NUL, CR, LF: SECURITY: what may
	                  stand in a header, an envelope or a log line */
	FIELD_ROWS,    /* struct rows of at most `max` items */
	FIELD_ONE,     /* a struct of the shape `rows`, embedded */
};

struct rows {
	void *p; /* an array of structs of the shape `rows` */
	size_t n;
};

struct shape;

struct field {
	struct str name; /* 1 to 255 bytes */
	enum field_type type;
	size_t at; /* offset in the struct */
	uint64_t max;
	const struct shape *rows; /* of the items, or the one */
};

struct shape {
	struct str name;
	size_t size; /* of the struct */
	const struct field *fields;
	size_t nfields;
};

#define SHAPE_U64(type, member, max)                                           \
	{                                                                      \
		STR(#member), FIELD_U64, offsetof(type, member), (max), NULL   \
	}
#define SHAPE_I64(type, member, max)                                           \
	{                                                                      \
		STR(#member), FIELD_I64, offsetof(type, member), (max), NULL   \
	}
#define SHAPE_STR(type, member, max)                                           \
	{                                                                      \
		STR(#member), FIELD_STR, offsetof(type, member), (max), NULL   \
	}
#define SHAPE_LINE(type, member, max)                                          \
	{                                                                      \
		STR(#member), FIELD_LINE, offsetof(type, member), (max), NULL  \
	}
#define SHAPE_ROWS(type, member, max, shape)                                   \
	{                                                                      \
		STR(#member), FIELD_ROWS, offsetof(type, member), (max),       \
		    (shape)                                                    \
	}
#define SHAPE_ONE(type, member, shape)                                         \
	{                                                                      \
		STR(#member), FIELD_ONE, offsetof(type, member), 1, (shape)    \
	}
#define SHAPE(name, type, fields)                                              \
	{                                                                      \
		STR(name), sizeof(type), (fields),                             \
		    sizeof(fields) / sizeof((fields)[0])                       \
	}

/*
 * Append the value to `out`: 0, -EMSGSIZE when `out` is full, -EINVAL when
 * the value itself breaks the shape (which decoding would refuse).
 */
int shape_encode(const struct shape *s, const void *value, struct buf *out);

/*
 * Read one value that takes up the whole of `in`.  Strs borrow from `in`,
 * rows lie in `a`.  0, or -EPROTO with *ret_why saying which field and what
 * (a static text).  *ret_value is set only on success.
 */
int shape_decode(const struct shape *s, struct str in, struct arena *a,
    void *ret_value, const char **ret_why);

/* The same for a value at the front of `in`; *ret_used bytes were taken. */
int shape_decode_front(const struct shape *s, struct str in, struct arena *a,
    void *ret_value, size_t *ret_used, const char **ret_why);

/* A deep copy into `a`, so that it outlives the packet it came in. */
void shape_copy(
    const struct shape *s, const void *value, struct arena *a, void *ret_value);

#endif
