/** The page: which part is shown, whether figures come, and who has signed in. */

import { Api } from './api.js';
import { Clients } from './clients.js';
import { byId, setText } from './dom.js';
import { Edge } from './edge.js';
import { Poll } from './poll.js';
import { Streams } from './streams.js';
import { Watch } from './watch.js';
import { moment, rate } from './words.js';

const everyMs = 2_000;
const parts = ['watch', 'streams', 'clients', 'edge'];

const api = new Api();
const watch = new Watch(api);
const again = () => void poll.now();
const shown = {
  watch,
  streams: new Streams(api, again),
  clients: new Clients(api, again),
  edge: new Edge(api),
};

let part = 'watch';
let answeredMs;
let isOpen = false;

const poll = new Poll(everyMs, ask, failed);

async function ask(isLate) {
  if (!isOpen) {
    await api.open();
    isOpen = true;
    show();
  }
  if (!api.hasFigures) throw Object.assign(new Error(''), { kind: 'off' });
  const [status] = await Promise.all([
    part === 'watch' || part === 'streams' ? shown[part].poll(isLate) : api.status('count=0'),
    part === 'clients' || part === 'edge' ? shown[part].poll(isLate) : undefined,
  ]);
  if (isLate() || status === undefined) return;
  answeredMs = Date.now();
  showTotals(status);
  fresh();
}

function showTotals(status) {
  setText(byId('server'), `${status.server} · ${status.version}`);
  setText(byId('draining'), status.draining ? 'draining' : '');
  setText(byId('players'), String(status.players));
  setText(byId('publishers'), String(status.publishers));
  setText(byId('total'), String(status.streams_total));
  setText(byId('rate'), rate(status.kbps.send_30s));
}

function fresh() {
  document.body.dataset.figures = 'fresh';
  setText(byId('notice'), '');
  byId('sign-in').hidden = true;
  byId('sign-out').hidden = !api.canSignOut;
}

const offWords = {
  watch: 'Figures are off at this address (edge { page_figures }). They are shown at the address of http_api, too.',
  streams:
    'Streams are not listed at this address. Open /edge/ at the address of http_api, or set edge { page_figures on; }.',
  clients: 'Clients are not listed at this address. Open /edge/ at the address of http_api.',
  edge: 'The edge’s health is not shown at this address. Open /edge/ at the address of http_api.',
};

function failed({ kind, message }) {
  const isOld = answeredMs !== undefined && kind === 'unreachable';
  document.body.dataset.figures = isOld ? 'old' : kind === 'unreachable' ? 'missing' : 'none';
  byId('sign-in').hidden = kind !== 'credentials';
  byId('sign-out').hidden = kind !== 'refused' || !api.canSignOut;
  setText(byId('notice'), noticeOf(kind, message, isOld));
}

function noticeOf(kind, message, isOld) {
  if (kind === 'off') return offWords[part];
  if (kind !== 'unreachable') return message;
  const old = isOld ? ` What you see is of ${moment(answeredMs)}.` : '';
  return `The edge does not answer. It is asked again by itself.${old}`;
}

/** `#streams` is a part of the page, `#/live/one.flv` a stream to watch. */
function route() {
  show();
  if (isOpen) again();
}

function show() {
  const wanted = location.hash.slice(1);
  // Where streams are is known when the edge has answered.
  if (wanted.startsWith('/') && isOpen) watchPath(wanted);
  part = parts.includes(wanted) ? wanted : 'watch';
  document.body.dataset.part = part;
  for (const each of parts) {
    byId(each).hidden = each !== part;
    const link = byId(`to-${each}`);
    if (each === part) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  byId('to-watch').href = watch.path === '' ? '#watch' : `#${watch.path}`;
}

function watchPath(wanted) {
  let path = wanted;
  try {
    path = decodeURI(wanted);
  } catch {
    // It is asked for as it is.
  }
  if (path !== watch.path) watch.play(path);
}

byId('sign-in').addEventListener('submit', async (event) => {
  event.preventDefault();
  const said = byId('sign-in-said');
  setText(said, '');
  try {
    await api.signIn(byId('name').value, byId('password').value);
    byId('password').value = '';
    again();
  } catch (error) {
    setText(said, error.kind === 'credentials' ? 'Name or password is wrong.' : error.message);
  }
});
byId('sign-out').addEventListener('click', () => {
  api.signOut();
  again();
});
addEventListener('hashchange', () => {
  route();
  scrollTo(0, 0);
});
// mpegts.js is deferred, as this module is: both are there when the document is.
addEventListener('DOMContentLoaded', () => {
  route();
  again();
});
