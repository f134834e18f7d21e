/**
 * What SRS's API tells of the process and its machine beside `summaries`. Its web console asks for these paths and shows
 * little without them. Names are SRS's; what an edge has no figure for is 0.
 */

import { freemem, totalmem } from 'node:os';
import type { Answer, Resources } from './api-resource.ts';
import { memoryOf, processorTicks, processStat, procFile } from './proc.ts';
import type { CpuShare } from './system.ts';

export function machineResources(cpu: CpuShare): Resources {
  return {
    features: { doc: 'what this server can do', GET: () => ({ fields: { data: features } }) },
    authors: { doc: 'licence and authors', GET: () => ({ fields: { data: authors } }) },
    rusages: { doc: 'what the process has used (getrusage)', GET: () => sample(rusage()) },
    self_proc_stats: { doc: 'the process, as the kernel sees it', GET: () => sample(selfProcess(cpu)) },
    system_proc_stats: { doc: 'the time of the processors', GET: () => sample(processors(cpu)) },
    meminfos: { doc: 'the memory of the machine', GET: () => sample(memory()) },
  };
}

function sample(figures: object): Answer {
  return { fields: { data: { ok: true, sample_time: Date.now(), ...figures } } };
}

const authors = { license: 'MIT', contributors: 'the authors of edgecluster' };

/** SRS's names; `true` is what the edge does itself. */
const features = {
  options: '',
  options2: '',
  build: '',
  build2: '',
  features: {
    ssl: true,
    hls: false,
    hds: false,
    callback: true,
    api: true,
    httpd: true,
    dvr: false,
    transcode: false,
    ingest: false,
    stat: true,
    caster: false,
    complex_send: true,
    tcp_nodelay: true,
    so_sendbuf: false,
    mr: true,
  },
};

/** Times in seconds, memory in kB. */
function rusage(): object {
  const used = process.resourceUsage();
  return {
    ru_utime: Math.floor(used.userCPUTime / 1e6),
    ru_stime: Math.floor(used.systemCPUTime / 1e6),
    ru_maxrss: used.maxRSS,
    ru_ixrss: used.sharedMemorySize,
    ru_idrss: used.unsharedDataSize,
    ru_isrss: used.unsharedStackSize,
    ru_minflt: used.minorPageFault,
    ru_majflt: used.majorPageFault,
    ru_nswap: used.swappedOut,
    ru_inblock: used.fsRead,
    ru_oublock: used.fsWrite,
    ru_msgsnd: used.ipcSent,
    ru_msgrcv: used.ipcReceived,
    ru_nsignals: used.signalsCount,
    ru_nvcsw: used.voluntaryContextSwitches,
    ru_nivcsw: used.involuntaryContextSwitches,
  };
}

/** The fields of `/proc/PID/stat` behind the state, in their order; addresses of code and stack are nobody's business. */
const statFields = [
  ...['ppid', 'pgrp', 'session', 'tty_nr', 'tpgid', 'flags', 'minflt', 'cminflt', 'majflt', 'cmajflt'],
  ...['utime', 'stime', 'cutime', 'cstime', 'priority', 'nice', 'num_threads', 'itrealvalue', 'starttime'],
  ...['vsize', 'rss'],
];

function selfProcess(cpu: CpuShare): object {
  const { name, state, rest } = processStat(procFile('self/stat'));
  const figures = Object.fromEntries(statFields.map((field, index) => [field, rest[index] ?? 0]));
  return { percent: cpu.self, pid: process.pid, comm: name, state, ...figures };
}

const tickFields = ['user', 'nice', 'sys', 'idle', 'iowait', 'irq', 'softirq', 'steal', 'guest'];

function processors(cpu: CpuShare): object {
  const ticks = processorTicks(procFile('stat'));
  return { percent: cpu.system, ...Object.fromEntries(tickFields.map((field, index) => [field, ticks[index] ?? 0])) };
}

/** In kB; shares are of 1. */
function memory(): object {
  const of = memoryOf(procFile('meminfo'));
  const total = of('MemTotal') || Math.round(totalmem() / 1024);
  const free = of('MemFree') || Math.round(freemem() / 1024);
  const unused = free + of('Buffers') + of('Cached');
  const [swap, swapFree] = [of('SwapTotal'), of('SwapFree')];
  return {
    percent_ram: total > 0 ? (total - unused) / total : 0,
    percent_swap: swap > 0 ? (swap - swapFree) / swap : 0,
    MemActive: total - free,
    RealInUse: total - unused,
    NotInUse: unused,
    MemTotal: total,
    MemFree: free,
    Buffers: of('Buffers'),
    Cached: of('Cached'),
    SwapTotal: swap,
    SwapFree: swapFree,
  };
}
