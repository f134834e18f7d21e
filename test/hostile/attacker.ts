/** The hostile clients, as a process of their own, and the hostile origin that the edge is pointed at. */

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setPriority } from 'node:os';
import { Attack, type AttackOrder, type Row } from './attack.ts';
import { answerQuestions } from './helper.ts';
import { findRow } from './rows.ts';

// What is measured must not be this process's hunger.
setPriority(10);

let current: { readonly row: Row; readonly attack: Attack } | undefined;

const origin = createServer((socket) => {
  socket.on('error', () => {});
  if (current?.row.origin === undefined) {
    socket.destroy();
    return;
  }
  current.attack.adopt(socket);
  current.row.origin(socket, current.attack);
});
origin.listen(0, '127.0.0.1');

answerQuestions({
  originPort: async () => {
    if (!origin.listening) await once(origin, 'listening');
    return (origin.address() as AddressInfo).port;
  },
  attack: async (order: AttackOrder) => {
    const row = findRow(order.row);
    const attack = new Attack(order);
    current = { row, attack };
    return attack.run(row);
  },
});
