/**
 * What an audience of yours takes, from the figures of capacity.json:
 *
 *     node test/bench/calculate.ts --players 50000 --kbps 3000 --streams 20
 *
 * Exit codes: 0; 2 wrong arguments.
 */

import { parseArguments } from '../../edge/conf/arguments.ts';
import { BUSY_AT_MOST, type Need, need, readSheet, rows, type Sheet } from './capacity.ts';

const usage = `usage: node test/bench/calculate.ts --players N [OPTION …]

  --players N          players at the same time
  --kbps N             bit rate of a stream, kb/s (626, the measured one)
  --streams N          streams that are watched at the same time (1)
  --tls                players come by HTTPS or RTMPS
  --edge-gbps N        what one edge may send, Gb/s: the bandwidth of its node without a pause (2)
  --players-per-edge N instead of what bandwidth and one core allow
  --tier N             edges between these and the origin (0)
  --core-hour N        price of a core with 4 GB for an hour, $
  --egress-gb N        price of a gigabyte to the players, $

Example: node test/bench/calculate.ts --players 50000 --kbps 3000 --streams 20 --tls --tier 3`;

export interface Question {
  readonly players: number;
  readonly kbps: number;
  readonly streams: number;
  readonly tls: boolean;
  readonly edgeGbps: number;
  /** Undefined: as many as bandwidth and a core allow. */
  readonly playersAnEdge: number | undefined;
  readonly tierEdges: number;
  readonly coreHour: number;
  readonly egressGb: number;
}

export interface Answer {
  readonly need: Need;
  readonly playersAnEdge: number;
  /** What sets how many players an edge takes. */
  readonly limit: 'bandwidth' | 'CPU' | 'you';
}

/**
 * The figures of a stream of another bit rate. What a player costs is taken to grow as its bytes do, which is more than
 * it does: a part is for messages. Of a thinner stream it is taken to stay.
 */
function ofBitRate(sheet: Sheet, { kbps, coreHour, egressGb }: Question): Sheet {
  const { measured, prices } = sheet;
  const factor = Math.max(1, kbps / measured.streamKbps.value);
  const grown = <T extends { readonly value: number }>(figure: T): T => ({ ...figure, value: figure.value * factor });
  return {
    measured: {
      ...measured,
      streamKbps: { ...measured.streamKbps, value: kbps },
      playerCpu: grown(measured.playerCpu),
      tlsPlayerCpu: grown(measured.tlsPlayerCpu),
      streamMb: grown(measured.streamMb),
    },
    prices: {
      coreHour: { ...prices.coreHour, value: coreHour },
      egressGb: { ...prices.egressGb, value: egressGb },
    },
  };
}

export function answer(question: Question, measured: Sheet): Answer {
  const sheet = ofBitRate(measured, question);
  const { playerCpu, tlsPlayerCpu, edgeCpu } = sheet.measured;
  const { players, kbps, edgeGbps, tls, streams, tierEdges } = question;
  const byBandwidth = Math.floor((edgeGbps * 1e6) / kbps);
  // An edge is one process, which uses one core.
  const byCpu = Math.floor((BUSY_AT_MOST * 100 - edgeCpu.value) / (tls ? tlsPlayerCpu : playerCpu).value);
  const limit = question.playersAnEdge !== undefined ? 'you' : byCpu < byBandwidth ? 'CPU' : 'bandwidth';
  const playersAnEdge = question.playersAnEdge ?? Math.max(1, Math.min(byBandwidth, byCpu));
  const audience = { title: '', players, playersAnEdge, streams, tierEdges, tls };
  return { need: need(sheet, audience), playersAnEdge, limit };
}

/** @throws Error that says what is wrong */
export function readQuestion(args: readonly string[], sheet: Sheet): Question | 'help' {
  const text = { type: 'string' } as const;
  const { values } = parseArguments({
    args: [...args],
    options: {
      players: text,
      kbps: text,
      streams: text,
      tls: { type: 'boolean' },
      'edge-gbps': text,
      'players-per-edge': text,
      tier: text,
      'core-hour': text,
      'egress-gb': text,
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return 'help';
  const { measured, prices } = sheet;
  const perEdge = values['players-per-edge'];
  return {
    players: number('players', values.players, counts),
    kbps: number('kbps', values.kbps ?? String(measured.streamKbps.value), positive),
    streams: number('streams', values.streams ?? '1', counts),
    tls: values.tls ?? false,
    edgeGbps: number('edge-gbps', values['edge-gbps'] ?? '2', positive),
    playersAnEdge: perEdge === undefined ? undefined : number('players-per-edge', perEdge, counts),
    tierEdges: number('tier', values.tier ?? '0', countsOrNone),
    coreHour: number('core-hour', values['core-hour'] ?? String(prices.coreHour.value), positiveOrNone),
    egressGb: number('egress-gb', values['egress-gb'] ?? String(prices.egressGb.value), positiveOrNone),
  };
}

/** What an option takes: in words, and as a test. */
interface Kind {
  readonly words: string;
  readonly takes: (value: number) => boolean;
}

const counts: Kind = { words: 'a whole number, 1 or more', takes: (value) => Number.isSafeInteger(value) && value > 0 };
const countsOrNone: Kind = { words: 'a whole number', takes: (value) => Number.isSafeInteger(value) && value >= 0 };
const positive: Kind = { words: 'a number above 0', takes: (value) => Number.isFinite(value) && value > 0 };
const positiveOrNone: Kind = { words: 'a number, 0 or more', takes: (value) => Number.isFinite(value) && value >= 0 };

function number(option: string, text: string | undefined, { words, takes }: Kind): number {
  if (text === undefined) throw new Error(`--${option} is missing`);
  const value = Number(text);
  if (text.trim() === '' || !takes(value)) throw new Error(`--${option}: "${text}" is not ${words}`);
  return value;
}

/** What a person reads. */
export function tell(question: Question, { need, playersAnEdge, limit }: Answer, sheet: Sheet): string[] {
  const table = rows.map(([name, show]) => [name, show(need)].map((cell) => cell.replaceAll('**', '')));
  const width = Math.max(...table.map(([name = '']) => name.length));
  const set = { bandwidth: `${question.edgeGbps} Gb/s of an edge`, CPU: 'one core of an edge', you: 'you' }[limit];
  return [
    `players of an edge: ${playersAnEdge.toLocaleString('en')}, set by ${set}`,
    '',
    ...table.map(([name = '', value = '']) => `${name.padEnd(width)}  ${value}`),
    '',
    ...warnings(question, need, sheet),
    `Measured with a stream of ${sheet.measured.streamKbps.value} kb/s. How, and what was not measured: test/bench/CAPACITY.md`,
  ];
}

function warnings({ tierEdges, edgeGbps }: Question, need: Need, sheet: Sheet): string[] {
  const { edgesAtAnOrigin } = sheet.measured;
  const said: string[] = [];
  if (tierEdges === 0 && need.edges > edgesAtAnOrigin.value) {
    said.push(`No more than ${edgesAtAnOrigin.value} edges were measured at one origin: put a tier between (--tier).`);
  }
  if (need.tierEdgeGbps > edgeGbps) {
    const enough = Math.ceil(need.tierGbps / edgeGbps);
    said.push(`A tier of ${tierEdges} is too small for ${edgeGbps} Gb/s of an edge: take --tier ${enough}.`);
  }
  if (need.edgeGbps > edgeGbps) said.push(`An edge sends more than the ${edgeGbps} Gb/s of --edge-gbps.`);
  if (need.edgeCpu > BUSY_AT_MOST * 100) {
    said.push(`An edge is one process: it is to use no more than ${BUSY_AT_MOST * 100} % of a core.`);
  }
  return said;
}

function main(args: readonly string[]): number {
  const sheet = readSheet();
  let question: Question | 'help';
  try {
    question = readQuestion(args, sheet);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}\n`);
    return 2;
  }
  const lines = question === 'help' ? [usage] : tell(question, answer(question, sheet), sheet);
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
