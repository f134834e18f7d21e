// A bag of measurements that answers with its percentiles.
#pragma once
#include <stdio.h>
#include <stdlib.h>

struct samples {
  double *values;
  size_t count, capacity;
};

static inline void samples_add(struct samples *s, double value) {
  if (s->count == s->capacity) {
    s->capacity = s->capacity ? s->capacity * 2 : 1024;
    s->values = realloc(s->values, s->capacity * sizeof *s->values);
    if (!s->values) abort();
  }
  s->values[s->count++] = value;
}

static inline int samples_compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// Prints `"name":{"count":…,"p50":…,"p99":…,"max":…},`; the values are null when there are none.
static inline void samples_print(struct samples *s, const char *name) {
  if (s->count == 0) {
    printf("\"%s\":null,", name);
    return;
  }
  qsort(s->values, s->count, sizeof *s->values, samples_compare);
  printf("\"%s\":{\"count\":%zu,\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f},", name, s->count, s->values[s->count / 2],
         s->values[s->count * 99 / 100], s->values[s->count - 1]);
}
