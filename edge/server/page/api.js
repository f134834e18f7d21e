/** How the page asks the edge: where, as whom, and what its answers mean. */

const answerTimeoutMs = 10_000;
const storageKey = 'edge-credentials';

/**
 * `unreachable`: nobody answers. `credentials`: they are needed, or wrong. `refused`: this may not be done from here.
 * `off`: it is not served here. `failed`: the edge says what is wrong.
 */
export class AskError extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

const kinds = { 401: 'credentials', 403: 'refused', 404: 'off', 429: 'refused' };

export class Api {
  /** What can be had at this address: `api`, `figures`, and where streams are played. */
  offers = { api: false, figures: false, streams: null };
  #authorization = sessionStorage.getItem(storageKey);
  /** The API has asked for credentials that we do not have. */
  #locked = false;

  get canSignOut() {
    return this.#authorization !== null;
  }

  /** Whether streams and totals can be had, and whether all else can. */
  get hasFigures() {
    return this.offers.api || this.offers.figures;
  }

  async open() {
    this.offers = await this.#ask('/edge/page.json');
  }

  async status(query) {
    // Where figures are for everybody, nobody needs credentials to see them.
    const isPublic = !this.offers.api || (this.offers.figures && this.#locked);
    if (isPublic) return await this.#ask(`/edge/status.json?${query}`);
    return await this.#watched(async () => (await this.#ask(`/api/v1/status?${query}`)).status);
  }

  async get(resource) {
    if (!this.offers.api) throw new AskError('off', 'The API is not served at this address.');
    return await this.#watched(() => this.#ask(`/api/v1/${resource}`));
  }

  async disconnect(id) {
    const { code } = await this.#ask(`/api/v1/clients/${encodeURIComponent(id)}`, { method: 'DELETE' });
    if (code !== 0) throw new AskError('failed', 'This client is gone already.');
  }

  /** Throws an AskError when they are wrong. */
  async signIn(name, password) {
    const bytes = new TextEncoder().encode(`${name}:${password}`);
    const before = this.#authorization;
    this.#authorization = `Basic ${btoa(String.fromCharCode(...bytes))}`;
    try {
      await this.#ask('/api/v1/versions');
    } catch (error) {
      this.#authorization = before;
      throw error;
    }
    this.#locked = false;
    sessionStorage.setItem(storageKey, this.#authorization);
  }

  signOut() {
    this.#authorization = null;
    sessionStorage.removeItem(storageKey);
  }

  async #watched(ask) {
    try {
      const answer = await ask();
      this.#locked = false;
      return answer;
    } catch (error) {
      if (error.kind === 'credentials') this.#locked = true;
      throw error;
    }
  }

  async #ask(path, init = {}) {
    const headers = this.#authorization === null ? {} : { Authorization: this.#authorization };
    let response;
    let answer;
    try {
      // Without `omit` the browser would ask for a password by a window of its own.
      response = await fetch(path, {
        ...init,
        headers,
        credentials: 'omit',
        cache: 'no-store',
        signal: AbortSignal.timeout(answerTimeoutMs),
      });
      answer = await response.json().catch(() => ({}));
    } catch {
      throw new AskError('unreachable', 'The edge does not answer.');
    }
    if (response.ok) return answer;
    throw new AskError(kinds[response.status] ?? 'failed', answer.data ?? `The edge answers ${response.status}.`);
  }
}
