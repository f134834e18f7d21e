// A growing run of bytes: appended at the end, consumed from the front.
#pragma once
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct buffer {
  uint8_t *data;
  size_t length;
  size_t capacity;
};

// Makes `more` bytes of room at the end and returns where they begin; the caller adds to `length` what it wrote.
static inline uint8_t *buffer_room(struct buffer *b, size_t more) {
  if (b->length + more > b->capacity) {
    b->capacity = (b->length + more) * 2;
    b->data = realloc(b->data, b->capacity);
    if (!b->data) abort();
  }
  return b->data + b->length;
}

static inline void buffer_append(struct buffer *b, const void *bytes, size_t count) {
  memcpy(buffer_room(b, count), bytes, count);
  b->length += count;
}

static inline void buffer_byte(struct buffer *b, uint8_t byte) { buffer_append(b, &byte, 1); }

// The low `size` bytes of `value`, most significant first.
static inline void buffer_be(struct buffer *b, uint64_t value, int size) {
  while (size-- > 0) buffer_byte(b, (uint8_t)(value >> (8 * size)));
}

static inline void buffer_consume(struct buffer *b, size_t count) {
  b->length -= count;
  if (b->length && count) memmove(b->data, b->data + count, b->length);
}

static inline void buffer_free(struct buffer *b) {
  free(b->data);
  *b = (struct buffer){0};
}

static inline uint64_t read_be(const uint8_t *p, int size) {
  uint64_t value = 0;
  while (size-- > 0) value = value << 8 | *p++;
  return value;
}
