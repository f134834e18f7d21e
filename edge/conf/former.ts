/**
 * Files of other versions of SRS in today's form: what SRS 3 moved within a vhost, what SRS 7.0.64 moved into
 * `rtmp { }`, and names that changed. SRS takes the older forms, too (`srs_config_transform_vhost`); the newer ones are
 * SRS's own of today. Pure: from one tree of directives to another, with a warning for each older form.
 */
import type { Directive } from './grammar.ts';
import { type Problem, show } from './problem.ts';

export interface Translated {
  readonly directives: readonly Directive[];
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Where directives that stood in a vhost itself stand since SRS 3. */
const homes: ReadonlyMap<string, string> = new Map([
  ...(['mode', 'origin', 'token_traverse', 'vhost', 'debug_srs_upnode'] as const).map(
    (name) => [name, 'cluster'] as const,
  ),
  ...(
    [
      ...['time_jitter', 'mix_correct', 'atc', 'atc_auto', 'mw_latency', 'gop_cache', 'gop_cache_max_frames'],
      ...['queue_length', 'send_min_interval', 'reduce_sequence_header'],
    ] as const
  ).map((name) => [name, 'play'] as const),
  ['publish_1stpkt_timeout', 'publish'],
  ['publish_normal_timeout', 'publish'],
  ['refer_play', 'refer'],
  ['refer_publish', 'refer'],
]);

/** What a directive is called since; where nothing stands, as before. */
const names: Readonly<Record<string, string>> = {
  publish_1stpkt_timeout: 'firstpkt_timeout',
  publish_normal_timeout: 'normal_timeout',
  refer_play: 'play',
  refer_publish: 'publish',
};

/** What `rtmp { }` holds since SRS 7.0.64, and held the top of the file before. */
const ofRtmp: ReadonlySet<string> = new Set(['listen', 'chunk_size']);

/** The directives of a whole file, as the table of directives has them. */
export function translate(directives: readonly Directive[]): Translated {
  const errors: Problem[] = [];
  const warnings: Problem[] = [];
  const translated = directives.flatMap((directive): readonly Directive[] => {
    const { name, children, args } = directive;
    if (name === 'rtmp' && children !== undefined && args.length === 0) return fromRtmp(children, errors);
    if (name === 'http_stream') return [renamed(directive, 'http_server', warnings)];
    return name === 'vhost' && children !== undefined ? [ofVhost(directive, children, warnings)] : [directive];
  });
  return { directives: translated, errors, warnings };
}

function fromRtmp(children: readonly Directive[], errors: Problem[]): readonly Directive[] {
  for (const { name, at } of children) {
    if (ofRtmp.has(name)) continue;
    errors.push({
      at,
      what: `unknown directive ${show(name)} in \`rtmp { }\``,
      remedy: `it holds ${[...ofRtmp].join(' and ')}`,
    });
  }
  return children.filter(({ name }) => ofRtmp.has(name));
}

function ofVhost(vhost: Directive, children: readonly Directive[], warnings: Problem[]): Directive {
  const kept: Directive[] = [];
  const moved = new Map<string, Directive[]>();
  const move = (home: string, directives: readonly Directive[]): void => {
    moved.set(home, [...(moved.get(home) ?? []), ...directives]);
  };
  for (const directive of children) {
    const { name, at, children: inner } = directive;
    const home = homes.get(name);
    if (inner === undefined && home !== undefined) {
      const now = names[name] ?? name;
      warnings.push(former(directive, `${home} { ${now} }`));
      move(home, [...(home === 'refer' ? [word('enabled', 'on', at)] : []), { ...directive, name: now }]);
    } else if (name === 'refer' && inner === undefined) {
      warnings.push(former(directive, 'refer { all }'));
      move('refer', [word('enabled', 'on', at), { ...directive, name: 'all' }]);
    } else if (name === 'mr' && inner !== undefined) {
      warnings.push(former(directive, 'publish { mr; mr_latency }'));
      move('publish', inner.map(ofMergedRead));
    } else if (name === 'http' && inner !== undefined) kept.push(renamed(directive, 'http_static', warnings));
    else kept.push(name === 'http_remux' ? withoutHstrs(directive, warnings) : directive);
  }
  return { ...vhost, children: putInto(kept, moved, vhost) };
}

/** As in SRS the older form counts where both are given, so it goes first. */
function putInto(kept: readonly Directive[], moved: Map<string, Directive[]>, vhost: Directive): Directive[] {
  const result = kept.map((directive): Directive => {
    const more = directive.children === undefined ? undefined : moved.get(directive.name);
    if (more === undefined) return directive;
    moved.delete(directive.name);
    return { ...directive, children: [...unique(more), ...(directive.children ?? [])] };
  });
  for (const [name, children] of moved)
    result.push({ name, at: children[0]?.at ?? vhost.at, args: [], children: unique(children) });
  return result;
}

/** `enabled on` came with each of the older forms. */
function unique(directives: readonly Directive[]): Directive[] {
  return directives.filter(
    ({ name }, index) => name !== 'enabled' || directives.findIndex((other) => other.name === name) === index,
  );
}

function ofMergedRead(directive: Directive): Directive {
  const now = { enabled: 'mr', latency: 'mr_latency' }[directive.name];
  return now === undefined ? directive : { ...directive, name: now };
}

function withoutHstrs(remux: Directive, warnings: Problem[]): Directive {
  const children = remux.children?.filter(({ name, at }) => {
    if (name === 'hstrs')
      warnings.push({ at, what: '"hstrs" has no effect: streams are pulled when somebody plays them' });
    return name !== 'hstrs';
  });
  return { ...remux, children };
}

function renamed(directive: Directive, name: string, warnings: Problem[]): Directive {
  warnings.push(former(directive, `${name} { }`));
  return { ...directive, name };
}

function former({ name, at }: Directive, now: string): Problem {
  return { at, what: `"${name}" stands here as in former versions of SRS; today it is \`${now}\`` };
}

function word(name: string, text: string, at: Directive['at']): Directive {
  return { name, at, args: [{ text, at }], children: undefined };
}
