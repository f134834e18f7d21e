/**
 * What a case of the benchmark is: something to measure at several servers in turn, and how its figures are shown.
 */
import type { Tools } from './load.ts';
import type { ServerName } from './servers.ts';

export interface Settings {
  readonly tools: Tools;
  /** For configurations and logs. */
  readonly folder: string;
  /** Length of a window; 14 s is a whole number of groups of pictures and of 350 ms slices. */
  readonly seconds: number;
  readonly windows: number;
  readonly rounds: number;
  readonly failovers: number;
  /** How long people come and go. */
  readonly minutes: number;
  /** How many edges a fleet has. */
  readonly edges: number;
  /** What the origins that edges pull from run; where latency is measured, and where edges push to, it is nginx. */
  readonly origin: 'ours' | 'srs' | 'nginx';
}

export interface Column {
  readonly title: string;
  readonly digits: number;
  /** What several rounds come to. */
  readonly over: 'median' | 'max' | 'min';
}

export type Figures = Readonly<Record<string, number>>;

export interface Case {
  readonly name: string;
  readonly title: string;
  readonly servers: readonly ServerName[];
  /** What a server is called in the table, where that is not its usual name. */
  readonly names?: Partial<Readonly<Record<ServerName, string>>>;
  readonly columns: Readonly<Record<string, Column>>;
  /** The column whose ratio to ours the table shows. */
  readonly compare: string;
  /** It repeats its event many times by itself: one round is enough. */
  readonly once?: true;
  /** It takes so long that it is measured when it is named, and not with all others. */
  readonly onlyNamed?: true;
  measure(name: ServerName, settings: Settings): Promise<Figures>;
}

export const milliseconds = (title: string, digits = 1): Column => ({ title: `${title}, ms`, digits, over: 'median' });
