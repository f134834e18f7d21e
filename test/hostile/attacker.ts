/** The hostile clients of one row, as a process of their own, and the hostile origin that the edge is pointed at. */

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setPriority } from 'node:os';
import { Attack, type AttackOptions } from './attack.ts';
import { answerQuestions, helperOptions } from './helper.ts';
import { findRow } from './rows.ts';

const row = findRow(helperOptions<{ readonly row: string }>().row);
// What is measured must not be this process's hunger.
setPriority(10);

let attack: Attack | undefined;

const origin = createServer((socket) => {
  socket.on('error', () => {});
  if (attack === undefined || row.origin === undefined) {
    socket.destroy();
    return;
  }
  attack.adopt(socket);
  row.origin(socket, attack);
});
origin.listen(0, '127.0.0.1');

answerQuestions({
  originPort: async () => {
    if (!origin.listening) await once(origin, 'listening');
    return (origin.address() as AddressInfo).port;
  },
  attack: async (options: AttackOptions) => {
    attack = new Attack(options);
    return attack.run(row);
  },
});
