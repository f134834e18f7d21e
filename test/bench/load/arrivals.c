#include "arrivals.h"
#include "samples.h"

enum { MAX_KEPT = 1 << 20 };

struct arrival {
  uint64_t stamp_ns;
  double at_ms;
};

static struct arrival *players, *reference;
static size_t player_count, reference_count;

void arrivals_open(void) {
  players = malloc(MAX_KEPT * sizeof *players);
  reference = malloc(MAX_KEPT * sizeof *reference);
  if (!players || !reference) abort();
}

void arrivals_add(bool of_reference, uint64_t stamp_ns, double at_ms) {
  size_t *count = of_reference ? &reference_count : &player_count;
  if (*count < MAX_KEPT) (of_reference ? reference : players)[(*count)++] = (struct arrival){stamp_ns, at_ms};
}

static int compare_stamps(const void *a, const void *b) {
  uint64_t x = ((const struct arrival *)a)->stamp_ns, y = ((const struct arrival *)b)->stamp_ns;
  return (x > y) - (x < y);
}

void arrivals_print(void) {
  static struct samples latency, added;
  latency.count = added.count = 0;
  qsort(reference, reference_count, sizeof *reference, compare_stamps);
  for (size_t i = 0; i < player_count; i++) {
    samples_add(&latency, players[i].at_ms - (double)players[i].stamp_ns / 1e6);
    struct arrival *r = bsearch(&players[i], reference, reference_count, sizeof *reference, compare_stamps);
    if (r) samples_add(&added, players[i].at_ms - r->at_ms);
  }
  samples_print(&latency, "latency");
  samples_print(&added, "added");
  player_count = reference_count = 0;
}
