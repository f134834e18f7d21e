// Publishers that come and go, and visitors who know which names are published: both go by the clock alone, which is
// the same in every process of the machine. Each of `slots` publishers publishes one name for `length_ms`, then the
// next, at a moment of its own; names come in order, and after `names` of them the first comes again.
#pragma once
#include <math.h>

struct turns {
  int slots, names;
  double length_ms;  // 0: nobody comes and goes
};

struct turn {
  int name;
  double begins_at, ends_at;
};

static inline struct turn turn_of(const struct turns *t, int slot, double now) {
  double offset = t->length_ms * slot / t->slots;
  double number = floor((now - offset) / t->length_ms);
  double begins_at = offset + number * t->length_ms;
  return (struct turn){(int)fmod(number * t->slots + slot, t->names), begins_at, begins_at + t->length_ms};
}
