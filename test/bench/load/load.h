// What the load program's parts share: its options, its connections and its clock.
#pragma once
#include <netinet/in.h>
#include "flv.h"
#include "turns.h"

enum scheme { SCHEME_RTMP, SCHEME_HTTP, SCHEME_RAW };

struct target {  // where connections go; a `{}` in the stream becomes a number
  enum scheme scheme;
  bool tls, websocket;
  struct sockaddr_in address;
  char host_and_port[64], app[128], stream[256];
};

struct options {
  struct target target;
  struct target reference;  // players: where latency is measured from
  bool has_reference;
  int count, streams, servers, sample;
  double rate;           // connections started a second
  bool rejoin;           // whoever is cut comes back, as people's programs do
  bool resume;           // players: TLS sessions are taken up again, as players of a web page do
  const char *file;      // publishers: the clip
  uint32_t chunk_size;   // publishers
  double epoch_ms;       // publishers: when the clip began; 0 = each at its own random moment
  struct turns turns;    // publishers, visitors
  double stay_ms;        // visitors: how long a visit lasts on the average
  int missing;           // visitors: percent of them who ask for what nobody publishes
};

struct role {
  void (*open)(const struct options *);
  void (*start)(int index);  // makes connection number `index`
  void (*event)(void *connection, uint32_t events);
  void (*tick)(double now_ms);
  void (*report)(double window_ms);  // prints one line of JSON and begins a new window
  int tick_ms;
};

extern const struct role players, publishers, visitors;
extern int epoll;

// CLOCK_MONOTONIC in milliseconds: the same clock in every process of the machine.
double now_ms(void);
void stream_name(char *name, size_t size, const char *pattern, int number);
// Begins a connection to the target's port, or the one that lies `server` above it, and watches it; ends the program when it has run out of sockets.
int connect_to(const struct target *target, int server, void *connection);
// For those who come back: a server that is gone without a word is noticed.
void notice_silence(int fd);
// How long one that was cut, or refused when it came back, waits before it connects.
enum { REJOIN_MS = 50 };
// Ends a connection, by reset or as programs do that end well.
void disconnect(int fd, bool cleanly);
void watch_for(int fd, void *connection, uint32_t events);

// The last bytes of each published video frame: a mark and the moment it was sent, in nanoseconds of CLOCK_MONOTONIC.
#define STAMP_MARK "stamped:"
enum { STAMP_BYTES = 16 };
