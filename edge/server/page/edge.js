/** Edge: what the process uses against its limits, the configuration in force, and what happened lately. */

import { byId, make, setPairs, setText } from './dom.js';
import { showEvents } from './events.js';
import { drawSparkline, makeSparkline } from './sparkline.js';
import { bytes, count, duration, moment, rate, share, time } from './words.js';

const eventsShown = 100;

export class Edge {
  #api;
  #gauges = new Map();

  constructor(api) {
    this.#api = api;
    byId('config-text').addEventListener('toggle', ({ target }) => target.open && void this.#showText());
  }

  async poll(isLate) {
    const [{ health }, config, events] = await Promise.all([
      this.#api.get('health'),
      this.#api.get('config'),
      this.#api.get(`events?count=${eventsShown}`),
    ]);
    if (isLate()) return;
    this.#showHealth(health);
    this.#showConfig(config);
    showEvents(byId('events'), events);
  }

  #showHealth(health) {
    const { cpu, event_loop, memory, media_memory, connections, descriptors, clients, history, kbps } = health;
    const bit = (value) => rate(value);
    this.#gauge('Processor', share(cpu.self), 'of one core', cpu.self, history.cpu_percent, (value) => `${value} %`);
    this.#gauge(
      'Event loop late',
      time(event_loop.worst_ms),
      'at worst, lately',
      undefined,
      history.event_loop_ms,
      time,
    );
    this.#gauge('Sent', rate(kbps.send_30s), 'to clients', undefined, history.out_kbps, bit);
    this.#gauge('Received', rate(kbps.recv_30s), 'from clients', undefined, history.in_kbps, bit);
    this.#gauge('Connections', String(connections.open), `of ${connections.max}`, connections.open / connections.max);
    this.#gauge('Memory', bytes(memory.resident), `of ${bytes(memory.machine)}`, memory.resident / memory.machine);
    this.#limited('Media held', media_memory.held, media_memory.max, bytes);
    this.#limited('Open files', descriptors.open, descriptors.max, String);
    const away = Object.values(health.turned_away).reduce((sum, each) => sum + each, 0);
    setPairs(byId('edge-pairs'), [
      ['Version', health.version],
      ['State', health.state],
      ['Running for', duration(health.uptime_ms)],
      ['Players', String(clients.players)],
      ['Publishers', String(clients.publishers)],
      ['Clients since the start', `${clients.taken} taken, ${clients.refused} refused`],
      ['Connections turned away', String(away)],
    ]);
  }

  #limited(name, held, max, words) {
    this.#gauge(
      name,
      words(held),
      max === null ? 'no limit' : `of ${words(max)}`,
      max === null ? undefined : held / max,
    );
  }

  /** @param part of the limit, if there is one. @param values of the last ten minutes, if they are kept */
  #gauge(name, value, limit, part, values, words) {
    const known = this.#gauges.get(name) ?? this.#makeGauge(name, part !== undefined, values !== undefined);
    setText(known.value, value);
    setText(known.limit, limit);
    if (part !== undefined && known.meter !== undefined) {
      known.meter.value = part;
      known.meter.textContent = share(part);
    }
    if (values !== undefined) drawSparkline(known.line, values, words, name);
  }

  #makeGauge(name, hasPart, hasLine) {
    const [value, limit] = [make('dd', { className: 'value' }), make('dd', { className: 'limit' })];
    const gauge = { value, limit };
    const parts = [make('dt', {}, name), value, limit];
    if (hasPart && !hasLine) {
      gauge.meter = make('meter', {
        min: 0,
        max: 1,
        high: 0.9,
        low: 0.75,
        optimum: 0,
        'aria-label': `${name}, of its limit`,
      });
      parts.push(make('dd', {}, gauge.meter));
    }
    if (hasLine) {
      gauge.line = makeSparkline();
      parts.push(make('dd', {}, gauge.line));
    }
    byId('gauges').append(make('div', { className: 'gauge' }, ...parts));
    this.#gauges.set(name, gauge);
    return gauge;
  }

  #showConfig({ in_force, reload }) {
    const waiting = in_force.needs_restart;
    setPairs(byId('config-pairs'), [
      ['In force', in_force.hash],
      ['Waits for a restart', waiting.length === 0 ? 'nothing' : waiting.join(', ')],
      [
        'Last reload',
        reload === null
          ? 'none since the start'
          : `${moment(reload.at_ms)}: ${reload.ok ? changesOf(reload) : 'failed'}`,
      ],
    ]);
    const error = byId('config-error');
    error.hidden = reload?.ok !== false;
    setText(error, reload?.ok === false ? `${reload.error} The configuration before it stays in force.` : '');
  }

  async #showText() {
    const text = byId('config-file');
    try {
      setText(text, (await this.#api.get('config?text=on')).in_force.text);
    } catch (error) {
      setText(text, error.message);
    }
  }
}

function changesOf({ changes, vhosts_added, vhosts_removed }) {
  const all = changes.length + vhosts_added.length + vhosts_removed.length;
  return all === 0 ? 'nothing has changed' : count(all, 'change');
}
