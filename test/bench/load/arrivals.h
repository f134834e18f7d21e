// When stamped frames came to the players that are parsed, and to the reference player.
#pragma once
#include <stdbool.h>
#include <stdint.h>

void arrivals_open(void);
void arrivals_add(bool reference, uint64_t stamp_ns, double at_ms);
// Prints how long after the publisher sent them (`latency`), and after the reference player had them (`added`), frames
// came since the last time.
void arrivals_print(void);
