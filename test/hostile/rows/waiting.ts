/** Much that comes behind a command which waits for somebody else's answer. */

import { MessageType } from '../../../edge/rtmp/message.ts';
import { hostileAddress, type Row } from '../attack.ts';
import { command, messageHeader, upTo } from '../bytes.ts';

/** Each byte 0xC4 begins and ends a message on chunk stream 4 that is like the one before: an empty one. */
const emptyMessage = 0xc4;
const emptyAudio = messageHeader(4, MessageType.audio, 0, 1);

export const waiting: readonly Row[] = [
  {
    name: 'waiting-publish',
    input: '`publish`, then 512 KiB and 1 MiB of empty messages in the same write',
    run: async (attack) => {
      const sizes = [512 * 1024, 1024 * 1024].map((size) => attack.part(size, 512 * 1024));
      const sent = sizes.map((size, index) => {
        const bytes = Buffer.concat([
          upTo('publish', `waiting-${index}`),
          emptyAudio,
          Buffer.alloc(size, emptyMessage),
        ]);
        return attack.open(attack.target.rtmp, { from: hostileAddress(index) }).send(bytes);
      });
      await Promise.all(sent);
      await attack.stay();
      return undefined;
    },
  },
  {
    name: 'waiting-play',
    input: '`play` of unknown streams and `connect`, each with MiBs of empty messages and small commands behind it',
    run: async (attack) => {
      const releases = Buffer.concat(Array(2_000).fill(command('releaseStream', 5, 0, null, 'x')));
      const clients = Array.from({ length: attack.part(8, 2) }, async (_, index) => {
        const client = attack.open(attack.target.rtmp, { from: hostileAddress(index) });
        const start = Buffer.concat([upTo('play', `waiting-${index}`), emptyAudio]);
        if (!(await client.send(start))) return;
        const behind = index % 2 === 0 ? Buffer.alloc(65_536, emptyMessage) : releases;
        await client.flood(behind, attack.part(4 * 1024 * 1024));
      });
      await Promise.all(clients);
      await attack.stay();
      return undefined;
    },
  },
];
