/** Clients: who plays and publishes. One of them can be disconnected, after a question. */

import { byId, make, setName, setText } from './dom.js';
import { Pager, pageSize } from './pager.js';
import { Table } from './table.js';
import { bytes, count, duration, rate } from './words.js';

const roles = { play: 'plays', publish: 'publishes', connecting: 'connecting' };

export class Clients {
  #api;
  #poll;
  #query = { sort: 'age', order: 'asc' };
  /** Whom the question is about. */
  #chosen;
  #pager = new Pager(byId('clients-pager'), () => this.#poll());
  #table = new Table({
    name: 'Clients',
    keyOf: ({ id }) => id,
    sorted: (sort, order) => this.#sort(sort, order),
    columns: [
      { label: 'Address', full: true, sort: 'address', first: 'asc', text: ({ ip }) => ip },
      { label: 'Role', full: true, text: ({ role, protocol }) => `${roles[role]} (${protocol})` },
      {
        label: 'Stream',
        sort: 'stream',
        first: 'asc',
        wide: true,
        show: (cell, { url, name }) => setName(cell, name === '' ? '–' : url),
      },
      { label: 'Sent', sort: 'sent', number: true, text: ({ send_bytes }) => bytes(send_bytes) },
      { label: 'Received', sort: 'received', number: true, text: ({ recv_bytes }) => bytes(recv_bytes) },
      { label: 'Rate', sort: 'rate', number: true, text: ({ kbps }) => rate(kbps.send_30s + kbps.recv_30s) },
      { label: 'Drops', sort: 'drops', number: true, text: ({ dropped_gops }) => String(dropped_gops) },
      { label: 'Here for', sort: 'age', first: 'asc', number: true, text: ({ alive }) => duration(alive * 1000) },
      { label: 'Disconnect', hidden: true, begin: (cell, client) => cell.append(this.#button(client)), show: () => {} },
    ],
  });

  constructor(api, poll) {
    this.#api = api;
    this.#poll = poll;
    byId('clients-table').append(this.#table.holder);
    this.#table.markSort('age', 'asc');
    byId('clients-match').addEventListener('input', () => this.#again());
    byId('clients-sort').addEventListener('change', ({ target }) => this.#sort(...target.value.split(' ')));
    byId('disconnect').addEventListener('close', ({ target }) => {
      if (target.returnValue === 'yes') void this.#disconnect();
    });
  }

  async poll(isLate) {
    const query = new URLSearchParams({ ...this.#query, start: this.#pager.start, count: pageSize });
    query.set('match', byId('clients-match').value.trim());
    const { clients, total, matching } = await this.#api.get(`clients?${query}`);
    if (isLate() || this.#pager.show(matching)) return;
    setText(
      byId('clients-count'),
      matching === total ? count(total, 'client') : `${matching} of ${count(total, 'client')}`,
    );
    this.#table.show(clients, total === 0 ? 'Nobody is connected.' : 'No client is like that.');
  }

  #sort(sort, order) {
    this.#query = { sort, order };
    this.#table.markSort(sort, order);
    const select = byId('clients-sort');
    const value = `${sort} ${order}`;
    select.value = [...select.options].some((option) => option.value === value) ? value : '';
    this.#again();
  }

  #again() {
    this.#pager.begin();
    this.#poll();
  }

  #button(client) {
    const button = make('button', { type: 'button', className: 'plain danger' }, 'Disconnect');
    button.append(make('span', { className: 'unseen' }, ` ${client.ip} at ${client.url}`));
    button.addEventListener('click', () => this.#askFor(client));
    return button;
  }

  #askFor(client) {
    this.#chosen = client;
    const { ip, role, url, name } = client;
    const what = name === '' ? 'is connected' : `${roles[role]} ${url}`;
    setText(byId('disconnect-who'), `${ip} ${what}. Players and publishers may come back by themselves.`);
    const dialog = byId('disconnect');
    dialog.returnValue = '';
    dialog.showModal();
  }

  async #disconnect() {
    const { id, ip } = this.#chosen;
    try {
      await this.#api.disconnect(id);
      setText(byId('clients-said'), `${ip} was disconnected.`);
    } catch (error) {
      setText(byId('clients-said'), `${ip} was not disconnected: ${error.message}`);
    }
    this.#poll();
  }
}
