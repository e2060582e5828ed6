/* The waiting queue's client rule, for browsers and Node 18 or later. No dependencies.
 *
 *   const queue = new QueueClient({ concert: 802, token, onChange: (place) => show(place) });
 *   await queue.run();          // resolves in a final state, e.g. { status: 'ADMITTED', pass: ... }
 *
 * Everybody reads the public summary, which is the same for all and cached; only who is near the front says "I am here"
 * now and then, by asking for the status, and asks it again once the number is called. The place is kept for some minutes after its number was passed, so closing
 * the page is no loss; the signed ticket kept here puts it back even if the server lost it. */
const ENDED = ['closed', 'soldout', 'none']; // phases in which even who is far away has an answer
const FINAL = ['ADMITTED', 'EXPIRED', 'CLOSED', 'SOLD_OUT', 'NOT_IN_QUEUE'];

export const clamp = (low, high, value) => Math.min(high, Math.max(low, value));

/* Seconds until the next look. now is the public summary, number ours (null before the draw). Near the front never more
 * than 2: a call waits 8 s at least, and with few readers the cached summary may be as old as the look before. */
export function pause(now, number, random = Math.random) {
  let seconds;
  if (number === null || number === undefined)
    seconds = now.phase === 'lobby' || now.phase === 'scheduled'
      ? clamp(5, 60, (now.opensAtMs - now.serverTimeMs) / 10000) : 2;
  else if (number >= now.tail)
    seconds = 2; // older than our number: it may lack a gap before it
  else if (beyond(now, number) >= 0 && number >= now.serving)
    seconds = clamp(3, 60, beyond(now, number) / (now.ceilingSpeedPerThousandSeconds / 1000) / 2);
  else
    seconds = now.speedPerThousandSeconds
      ? clamp(1, 2, ahead(now, number) / (now.speedPerThousandSeconds / 1000) / 4) : 2;
  return seconds * (0.85 + 0.3 * random());
}

/* Upper bound of those before us: it can only fall. */
export function ahead(now, number) {
  let count = number - now.serving;
  for (const [from, to] of now.gaps || [])
    count -= Math.max(0, Math.min(to, number) - Math.max(from, now.serving));
  return Math.max(0, count);
}

/* How many people the ceiling has to move over until we must say "I am here"; below 0 we must. */
export function beyond(now, number) { return ahead(now, number) - (now.ceiling - now.serving); }

/* Whether the service must hear from us: when our number has been called; near the front each 20 s (it takes us for gone
 * after 45); and after a loss of Redis, near the front or with a number that it knows nothing of any more. askedMs is when
 * we last asked, by the server's clock. */
export function due(now, number, askedMs) {
  if (number < now.serving) return true;
  const near = beyond(now, number) < 0;
  return now.phase === 'rebuild' ? near || number >= now.tail : near && now.serverTimeMs - askedMs >= 20000;
}

async function sha256(bytes) {
  const { subtle } = globalThis.crypto ?? (await import('node:crypto')).webcrypto;
  return new DataView(await subtle.digest('SHA-256', bytes));
}

/* The work a join may cost: a number that makes the hash of challenge:number begin with so many zero bits. */
export async function solve({ challenge, bits }) {
  for (let n = 0; ; n += 1) {
    const work = `${challenge}:${n}`;
    if (Math.clz32((await sha256(new TextEncoder().encode(work))).getUint32(0)) >= bits) return work;
  }
}

/* The number that a place in the lobby was drawn: compute_shuffled_index of the Ethereum consensus specification. */
export async function drawn(index, count, seed) {
  const text = new Uint8Array(37);
  text.set(seed.match(/../g).map((byte) => parseInt(byte, 16)));
  for (let round = 0; round < 90; round += 1) {
    text[32] = round;
    const pivot = Number((await sha256(text.slice(0, 33))).getBigUint64(0, true) % BigInt(count));
    const flip = (pivot + count - index) % count, position = Math.max(index, flip);
    new DataView(text.buffer).setUint32(33, Math.floor(position / 256), true);
    if (((await sha256(text)).getUint8((position % 256) >> 3) >> (position % 8)) & 1) index = flip;
  }
  return index;
}

export class QueueClient {
  constructor({ base = '', concert, token, onChange = () => {}, fetch = globalThis.fetch,
    sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms)), storage = globalThis.localStorage }) {
    Object.assign(this, { base, concert, token, onChange, fetch, sleep, storage, stopped: false });
    this.key = `queue-${concert}`;
    this.papers = JSON.parse(storage?.getItem(this.key) || '{}');
  }

  path(rest = '') { return `${this.base}/concert/${this.concert}/queue${rest}`; }

  headers() {
    const headers = { authorization: `Bearer ${this.token}` };
    if (this.papers.ticket) headers['x-queue-ticket'] = this.papers.ticket;
    if (this.papers.pass) headers['x-queue-pass'] = this.papers.pass;
    if (this.work) headers['x-queue-work'] = this.work;
    return headers;
  }

  /* 429 and 503 say when to come again; broken connections are tried again as well. */
  async ask(path, options = {}) {
    for (;;) {
      let answer;
      try { answer = await this.fetch.call(globalThis, path, options); } catch { /* offline for a moment */ }
      if (answer && answer.status !== 429 && answer.status < 500) return answer;
      const seconds = Number(answer?.headers.get('retry-after')) || 3;
      await this.sleep(seconds * 1000 * (1 + Math.random() / 2));
      if (this.stopped) throw new Error('stopped');
    }
  }

  async read(path, options) {
    const answer = await this.ask(path, options);
    const body = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(body.code), { problem: body, status: answer.status });
    return body;
  }

  now() { return this.read(this.path('/now')); }

  async place(method, rest) {
    const place = await this.read(this.path(rest), { method, headers: this.headers() });
    if (place.ticket) this.papers = { ticket: place.ticket, pass: place.pass };
    this.storage?.setItem(this.key, JSON.stringify(this.papers));
    this.onChange(place);
    return place;
  }

  /* Does the work that is asked for, and waits for the lobby or the opening. */
  async join() {
    for (;;) {
      try { return await this.place('POST', ''); } catch (error) {
        if (error.message === 'proof-of-work-required') this.work = await solve(error.problem);
        else if (error.message === 'queue-not-open') await this.opening();
        else throw error;
      }
    }
  }

  async opening() {
    let now = { phase: 'scheduled' };
    while (now.phase === 'scheduled') {
      now = await this.now();
      if (now.phase !== 'lobby') await this.wait(now, { status: 'PRE_QUEUE' }, null);
    }
  }

  /* Asked for their numbers by a whole lobby at once, the workers would drown: they follow from the public summary. */
  async numbered(now, place) {
    if (place.status !== 'PRE_QUEUE' || !now.seed || now.epoch !== place.epoch || !(place.lobbyIndex < now.lobby)) return place;
    try {
      return { ...place, status: 'WAITING', ticketNumber: await drawn(place.lobbyIndex, now.lobby, now.seed) };
    } catch { return place; } // browsers have no crypto outside of https
  }

  async run() {
    let place = await this.join(), askedMs;
    while (!FINAL.includes(place.status)) {
      const now = await this.now();
      const numbered = await this.numbered(now, place);
      if (numbered !== place) askedMs = -Infinity; // nobody has heard of us with that number
      place = numbered;
      const number = place.ticketNumber;
      const opened = place.status === 'PRE_QUEUE' && !['scheduled', 'lobby', 'drawing'].includes(now.phase);
      askedMs ??= now.serverTimeMs;
      if (opened || (number !== null && due(now, number, askedMs)) || ENDED.includes(now.phase) || now.epoch !== place.epoch) {
        place = await this.place('GET', '/status');
        askedMs = now.serverTimeMs;
        if (FINAL.includes(place.status)) break;
      } else if (number !== null) {
        this.onChange({ ...place, position: ahead(now, number) + 1 });
      }
      await this.wait(now, place, place.ticketNumber);
    }
    return place;
  }

  /* One read at the opening, spread over most of the notice of 10 s, instead of a stampede; a second one needn't be, if
   * the summary was still one of before. */
  async wait(now, place, number) {
    const left = now.opensAtMs - now.serverTimeMs, ms = pause(now, number) * 1000;
    const opens = !this.spread && place.status === 'PRE_QUEUE' && left > 0 && ms > left;
    this.spread ||= opens;
    await this.sleep(opens ? left + Math.random() * 8000 : ms);
    if (this.stopped) throw new Error('stopped');
  }

  stop() { this.stopped = true; }

  async leave() {
    this.stop();
    this.storage?.removeItem(this.key);
    await this.ask(this.path(), { method: 'DELETE', headers: this.headers() });
  }
}
