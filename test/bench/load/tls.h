// TLS for the load program's players: a client that trusts every certificate. Once a player is swept, what comes for it
// is thrown away encrypted; what it sends goes on being encrypted.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tls;

// `resume`: connections after the first show the session ticket that the server gave last.
void tls_open(bool resume);
struct tls *tls_start(int fd);
void tls_free(struct tls *t);

enum tls_state { TLS_DONE, TLS_WANTS_READ, TLS_WANTS_WRITE, TLS_FAILED };
// Goes on with the handshake as far as possible.
enum tls_state tls_shake_hands(struct tls *t);
bool tls_was_resumed(struct tls *t);
// As recv and send of a socket that does not block; -1 with errno EAGAIN when there is nothing yet.
ssize_t tls_receive(struct tls *t, void *bytes, size_t count);
ssize_t tls_send(struct tls *t, const void *bytes, size_t count);
