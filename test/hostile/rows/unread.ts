/** Questions whose answers are never read. */

import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { ChunkReader } from '../../../edge/rtmp/chunk-reader.ts';
import { ChunkStreamId, encodeMessage } from '../../../edge/rtmp/chunk-writer.ts';
import { connectResult, createStreamResult, onStatus, parseClientCommand } from '../../../edge/rtmp/command.ts';
import { pingRequest, windowAckSize } from '../../../edge/rtmp/control.ts';
import { ServerHandshake } from '../../../edge/rtmp/handshake.ts';
import { MessageType, type RtmpMessage } from '../../../edge/rtmp/message.ts';
import { type Attack, hostileAddress, type Row } from '../attack.ts';
import { command, connect, control, createStream, handshake } from '../bytes.ts';

const megabyte = 1e6;
const ping = control(pingRequest(7));

/** Several connections that are let in as far as `connect` and then ask one thing for ever. */
async function askForEver(attack: Attack, question: Buffer, totalBytes: number, count = 2): Promise<undefined> {
  const clients = Array.from({ length: count }, async (_, index) => {
    const client = attack.open(attack.target.rtmp, { from: hostileAddress(index) });
    if (!(await client.send(Buffer.concat([handshake, connect(), createStream])))) return;
    await client.flood(question, attack.part(totalBytes / count, (30 * megabyte) / count));
  });
  await Promise.all(clients);
  await attack.stay();
  return undefined;
}

/** As much of an origin as it takes to be played from; then it pings and does not read. */
function pingingOrigin(socket: Socket, attack: Attack): void {
  const handshakeOfServer = new ServerHandshake();
  const reader = new ChunkReader();
  let shaken = false;
  const send = (message: RtmpMessage): void => {
    const csid = message.type === MessageType.commandAmf0 ? ChunkStreamId.command : ChunkStreamId.control;
    socket.write(encodeMessage(message, csid, 128));
  };
  const flood = async (): Promise<void> => {
    socket.pause();
    const many = Buffer.concat(Array(3_600).fill(ping));
    for (
      let sent = 0;
      sent < attack.part(80 * megabyte, 40 * megabyte) && !socket.destroyed && !attack.over;
      sent += many.length
    ) {
      if (!socket.write(many)) await attack.until(socket, 'drain');
    }
  };
  const answer = (message: RtmpMessage): void => {
    if (message.type !== MessageType.commandAmf0) return;
    const asked = parseClientCommand(message);
    if (asked.kind === 'connect') send(connectResult(asked.transactionId, { objectEncoding: 0 }));
    else if (asked.kind === 'createStream') send(createStreamResult(asked.transactionId, 1));
    else if (asked.kind === 'play') {
      send(onStatus(1, 'status', 'NetStream.Play.Start', 'play'));
      void flood();
    }
  };
  socket.on('data', (bytes: Buffer) => {
    let rest: Buffer | undefined = bytes;
    if (!shaken) {
      const step = handshakeOfServer.push(bytes);
      if (step.reply !== undefined) socket.write(step.reply);
      shaken = step.done;
      rest = step.rest;
    }
    if (rest !== undefined && rest.length > 0) reader.push(rest, answer);
  });
}

/** A WebSocket ping of a client, with the greatest payload. */
function webSocketPing(): Buffer {
  const payload = randomBytes(125);
  return Buffer.concat([Buffer.from([0x89, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

export const unread: readonly Row[] = [
  {
    name: 'pings-unread',
    input: '43 MB of pings, answers never read',
    run: (attack) => askForEver(attack, ping, 43 * megabyte, 1),
  },
  {
    name: 'pings-small-heap',
    input: 'the same with a heap of 200 MB',
    edge: { heapMb: 200 },
    run: (attack) => askForEver(attack, ping, 43 * megabyte, 1),
  },
  {
    name: 'create-stream-unread',
    input: '40 MB of `createStream`, answers never read',
    run: (attack) => askForEver(attack, createStream, 40 * megabyte),
  },
  {
    name: 'other-answers-unread',
    input: '40 MB of `FCUnpublish`, `releaseStream` and unknown commands, an acknowledgement asked for each byte',
    run: (attack) => {
      const questions = ['FCUnpublish', 'releaseStream', 'getStreamLength', 'x'];
      const bytes = questions.map((name, index) => command(name, index + 3, 0, null, 'x'));
      return askForEver(attack, Buffer.concat([control(windowAckSize(1)), ...bytes]), 40 * megabyte);
    },
  },
  {
    name: 'origin-pings',
    input: 'an origin that pings us (80 MB) and does not read',
    origin: pingingOrigin,
    run: async (attack) => {
      const tcUrl = 'rtmp://hostile.test/live';
      const player = await attack.connect({ tcUrl });
      player.play('pinged');
      await attack.stay();
      return undefined;
    },
  },
  {
    name: 'websocket-pings',
    input: '40 MB of WebSocket pings, nothing read',
    run: async (attack) => {
      const client = attack.open(attack.target.http);
      const lines = ['GET /live/honest-pulled.flv HTTP/1.1', 'Host: x', 'Connection: Upgrade', 'Upgrade: websocket'];
      const key = randomBytes(16).toString('base64');
      lines.push(`Sec-WebSocket-Key: ${key}`, 'Sec-WebSocket-Version: 13', '', '');
      if (await client.send(Buffer.from(lines.join('\r\n')))) {
        await attack.pause(300);
        await client.flood(webSocketPing(), attack.part(40 * megabyte, 10 * megabyte));
      }
      await attack.stay();
      return undefined;
    },
  },
];
