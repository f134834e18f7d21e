/**
 * `edgecluster edge`, and as a plugin of kubectl `kubectl edge`: looks at running edges and acts on them.
 *
 * Exit codes: 0 done; 1 it cannot be done: no way to a cluster, no right, no such edge or client; 2 wrong arguments.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { meant, parseArguments } from '../edge/conf/arguments.ts';
import { runCommand } from './command-line.ts';
import { loadAccess } from './kube/access.ts';
import { ApiError } from './kube/error.ts';
import { isLabel, isSubdomain, namespaceOption } from './kube/names.ts';
import { Fleet, FleetError, type Selection } from './plugin/fleet.ts';
import { rights } from './plugin/rights.ts';
import { clientLines, clientsAt, silences, streamLines, streamTotals, topLines } from './plugin/tables.ts';
import type { Above } from './plugin/tree.ts';
import { Screen } from './screen.ts';
import { version } from './version.ts';

const usage = `usage: kubectl edge COMMAND [options]

Looks at the edges of EdgeClusters and acts on them. It asks each edge through the API server (pods/proxy), with the
credential in the Secret NAME-api-credentials.

  top [NAME]            edges with their players, streams and origins: on a terminal a live table until Ctrl-C
  streams [NAME]        streams of all edges
  clients [NAME]        clients of all edges
  kick CLIENT           disconnect a client, by its id
  drain POD             end an edge: its clients may finish, and another edge takes its place
  rights                print the Role that all this needs

NAME is an EdgeCluster; without it, all of the namespace.

  -n, --namespace NAME  default: that of the kubeconfig's context, or "default"
  -A, --all-namespaces  not for drain
      --stream NAME     clients: of this stream alone
      --once            top: one look, also on a terminal
  -o, --output FORMAT   text or json; top, streams and clients; default text
      --kubeconfig FILE default: $KUBECONFIG or ~/.kube/config
      --context NAME    of the kubeconfig; default the current one

Example: kubectl edge clients live --stream show`;

const commands = ['top', 'streams', 'clients', 'kick', 'drain', 'rights'] as const;
type Command = (typeof commands)[number];

const lookEveryMs = 2000;

interface Options {
  readonly command: Command;
  /** EdgeCluster, client or pod. */
  readonly subject: string | undefined;
  readonly namespace: string | undefined;
  readonly allNamespaces: boolean;
  readonly stream: string | undefined;
  readonly live: boolean;
  readonly json: boolean;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
}

/** Runs the command with the arguments after its name; resolves with the exit code. */
export function edge(args: readonly string[]): Promise<number> {
  return runCommand(args, { usage, read: readOptions, run });
}

async function run(options: Options): Promise<number> {
  if (options.command === 'rights') {
    process.stdout.write(rights);
    return 0;
  }
  try {
    await withFleet(options);
    return 0;
  } catch (error) {
    if (!(error instanceof ApiError || error instanceof FleetError)) throw error;
    const isRight = error instanceof ApiError && error.reason === 'Forbidden';
    process.stderr.write(
      `${error.message}${isRight ? '; "kubectl edge rights" prints the Role that is needed' : ''}\n`,
    );
    return 1;
  }
}

async function withFleet(options: Options): Promise<void> {
  const access = await loadAccess(options.kubeconfig, options.context).catch((error: Error) => {
    throw new FleetError(`there is no way to a cluster: ${error.message}; give --kubeconfig`);
  });
  const namespace = options.allNamespaces ? undefined : (options.namespace ?? access.namespace ?? 'default');
  const fleet = new Fleet(access, `kubectl-edge/${version}`);
  try {
    await act(fleet, options, namespace);
  } finally {
    fleet.close();
  }
}

async function act(fleet: Fleet, options: Options, namespace: string | undefined): Promise<void> {
  const { command, subject = '', json } = options;
  if (command === 'drain') return drain(fleet, namespace ?? 'default', subject);
  if (command === 'kick') return kick(fleet, namespace, subject);
  const selection = { namespace, cluster: options.subject };
  const above = command === 'top' ? await aboveOf(fleet, namespace) : new Map();
  if (command === 'top' && options.live) return liveTop(fleet, selection, above);
  const edges = await fleet.edges(selection);
  if (command === 'top') {
    const told = await fleet.reports(edges);
    return print(
      json,
      told.map(({ edge, ...rest }) => ({
        ...namesOf(edge),
        above: above.get(`${edge.namespace}/${edge.cluster}`) ?? [],
        ...plain(rest),
      })),
      topLines(told, above),
    );
  }
  if (command === 'streams') {
    const told = await fleet.streams(edges);
    const totals = streamTotals(told);
    print(json, totals, streamLines(totals));
    return warn(silences(told));
  }
  const told = await fleet.clients(edges);
  const clients = clientsAt(told, options.stream);
  print(json, clients, clientLines(clients));
  warn(silences(told));
}

/** Without the right to list EdgeClusters, each stands by itself. */
async function aboveOf(fleet: Fleet, namespace: string | undefined): Promise<Above> {
  const above = await fleet.above(namespace);
  if (!('unseen' in above)) return above;
  const remedy = '"kubectl edge rights" prints the Role that is needed';
  process.stderr.write(`which tier is above which is not shown: ${above.unseen}; ${remedy}\n`);
  return new Map();
}

async function liveTop(fleet: Fleet, selection: Selection, above: Above): Promise<void> {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => end.abort());
  const look = async () => topLines(await fleet.reports(await fleet.edges(selection)), above);
  let table = await look();
  const screen = new Screen();
  const picture = () => ({ table, line: table[0] ?? '' });
  screen.show(picture);
  try {
    while (!end.signal.aborted) {
      await delay(lookEveryMs, undefined, { signal: end.signal }).catch(() => {});
      if (!end.signal.aborted) table = await look().catch(toldInPlace);
    }
  } finally {
    screen.stop(picture());
  }
}

/** The table goes on when the API server comes back, or edges do. Throws what is a mistake of ours. */
function toldInPlace(error: unknown): string[] {
  if (error instanceof ApiError || error instanceof FleetError) return [error.message];
  throw error;
}

async function kick(fleet: Fleet, namespace: string | undefined, client: string): Promise<void> {
  const told = await fleet.kick(await fleet.edges({ namespace, cluster: undefined }), client);
  const had = told.filter((one) => 'answer' in one && one.answer).map(({ edge }) => edge.pod.metadata.name);
  if (had.length > 0) return print(false, [], [`client ${client} is disconnected from ${had.join(', ')}`]);
  const unasked = silences(told).map((line) => `; not asked: ${line}`);
  throw new FleetError(`no edge has a client ${client}; "kubectl edge clients" lists them${unasked.join('')}`);
}

async function drain(fleet: Fleet, namespace: string, name: string): Promise<void> {
  const edge = await fleet.edge(namespace, name);
  if (edge.pod.ending) return print(false, [], [`pod ${name} is draining already`]);
  await fleet.drain(edge);
  print(false, [], [`pod ${name} drains: its clients may finish; another edge of ${edge.cluster} takes its place`]);
}

function namesOf({
  namespace,
  cluster,
  pod,
}: {
  namespace: string;
  cluster: string;
  pod: { metadata: { name: string } };
}) {
  return { namespace, cluster, edge: pod.metadata.name };
}

/** JSON has no maps. */
function plain(value: object): object {
  return JSON.parse(JSON.stringify(value, (_, one: unknown) => (one instanceof Map ? Object.fromEntries(one) : one)));
}

function print(json: boolean, data: readonly object[], lines: readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(data, undefined, 2)}\n` : `${lines.join('\n')}\n`);
}

function warn(lines: readonly string[]): void {
  for (const line of lines) process.stderr.write(`not asked: ${line}\n`);
}

/** What each command takes beside the namespace and the kubeconfig. */
const taken: Readonly<Record<Command, readonly string[]>> = {
  top: ['output', 'once', 'all-namespaces'],
  streams: ['output', 'all-namespaces'],
  clients: ['output', 'stream', 'all-namespaces'],
  kick: ['all-namespaces'],
  drain: [],
  rights: [],
};

function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: {
      namespace: { type: 'string', short: 'n' },
      'all-namespaces': { type: 'boolean', short: 'A' },
      stream: { type: 'string' },
      once: { type: 'boolean' },
      output: { type: 'string', short: 'o' },
      kubeconfig: { type: 'string' },
      context: { type: 'string' },
    },
  });
  const [name, subject, ...more] = positionals;
  const command = commands.find((one) => one === name);
  if (command === undefined) {
    throw new Error(name === undefined ? 'which command?' : `there is no command "${name}"${meant(name, commands)}`);
  }
  if (more.length > 0) throw new Error(`${command} takes one name, not ${more.length + 1}`);
  checkSubject(command, subject);
  for (const option of ['output', 'once', 'stream', 'all-namespaces'] as const) {
    if (values[option] !== undefined && !taken[command].includes(option))
      throw new Error(`${command} does not take --${option}`);
  }
  const namespace = namespaceOption(values.namespace);
  if (namespace !== undefined && values['all-namespaces']) throw new Error('say --namespace or --all-namespaces');
  const { output = 'text' } = values;
  if (output !== 'text' && output !== 'json') throw new Error(`--output: "${output}" is none of text, json`);
  return {
    command,
    subject,
    namespace,
    allNamespaces: values['all-namespaces'] ?? false,
    stream: values.stream,
    live: process.stdout.isTTY && !values.once && output === 'text',
    json: output === 'json',
    kubeconfig: values.kubeconfig,
    context: values.context,
  };
}

/** Throws where it cannot be what the command is about. */
function checkSubject(command: Command, subject: string | undefined): void {
  if (command === 'kick') {
    if (!subject) throw new Error('which client? Say its id');
  } else if (command === 'drain') {
    if (!subject) throw new Error('which edge? Say the name of its pod');
    if (!isSubdomain(subject)) throw new Error(`"${subject}" is no name of a pod`);
  } else if (subject !== undefined && !isLabel(subject)) throw new Error(`"${subject}" is no name of an EdgeCluster`);
}
