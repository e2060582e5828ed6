/* web/queue-client.js against a made-up server. Prints TAP. */
const { QueueClient, ahead, pause } = await import(process.env.QUEUE_CLIENT);
const { createHash } = await import('node:crypto');

let checks = 0;
let failed = 0;
function is(got, wanted, name) {
  checks += 1;
  const good = JSON.stringify(got) === JSON.stringify(wanted);
  if (!good) failed += 1;
  console.log(`${good ? '' : 'not '}ok ${checks} - ${name}${good ? '' : ` # got ${JSON.stringify(got)}`}`);
}
const middle = () => 0.5;
const open = { phase: 'open', epoch: 1, serving: 0, ceiling: 1000, ceilingSpeedPerThousandSeconds: 200000,
  speedPerThousandSeconds: 50000, gaps: [], opensAtMs: 0, serverTimeMs: 1 };

is(pause(open, 1000000, middle), 60, 'far away: a minute');
is(pause(open, 1800, middle), 2, 'half of the shortest time the ceiling needs');
is(pause(open, 5000, middle), 10, 'and never later than that');
is(pause(open, 10, middle), 1.5, 'at the front: often');
is(pause(open, 900, middle), 4.5, 'near: a quarter of the expected wait');
is(pause({ ...open, speedPerThousandSeconds: null }, 900, middle), 5, 'nothing moves: within a call window')
is(pause({ ...open, ceiling: 300, gaps: [[200, 5200]] }, 5210, middle), 1.5, 'numbers in a gap are no distance');
is(pause({ ...open, phase: 'lobby', opensAtMs: 200001 }, null, middle), 20, 'lobby: a tenth of what is left');
is(pause(open, 1000000, () => 0), 51, 'with jitter below');
is(ahead({ ...open, serving: 10, gaps: [[20, 30]] }, 40), 20, 'a gap holds nobody');
is(ahead({ ...open, serving: 25, gaps: [[20, 30]] }, 40), 10, 'nor its rest');
is(ahead({ ...open, serving: 50 }, 40), 0, 'never below zero');

class Server {
  constructor(script) { this.script = script; this.calls = []; }
  fetch = async (path, options = {}) => {
    const name = `${options.method || 'GET'} ${path.replace('/concert/1/queue', '')}`.trim();
    this.calls.push(name);
    this.last = options.headers;
    if (this.calls.length > 99) this.queue.stop();
    const [status, body] = this.script(name, this.calls.filter((c) => c === name).length);
    return { status, ok: status < 400, headers: new Map([['retry-after', '1']]), json: async () => body };
  };
}
function client(server, storage) {
  const slept = [];
  const queue = new QueueClient({ concert: 1, token: 't', fetch: server.fetch, storage,
    sleep: async (ms) => { slept.push(ms); } });
  server.queue = queue;
  return { queue, slept };
}
class Storage extends Map {
  getItem(key) { return this.get(key) ?? null; }
  setItem(key, value) { this.set(key, value); }
  removeItem(key) { this.delete(key); }
}

{
  const server = new Server((name, time) => {
    if (name === 'POST') return time === 1 ? [503, {}] : [201, { status: 'WAITING', ticketNumber: 5000, epoch: 1, ticket: 'T' }];
    if (name === 'GET /now') return [200, { ...open, ceiling: time < 4 ? 1000 * time : 6000 }];
    return time === 1 ? [200, { status: 'WAITING', ticketNumber: 5000, epoch: 1, ticket: 'T' }]
      : [200, { status: 'ADMITTED', ticketNumber: 5000, epoch: 1, pass: 'P', ticket: 'T' }];
  });
  const storage = new Storage();
  const { queue, slept } = client(server, storage);
  const place = await queue.run();
  is(place.status, 'ADMITTED', 'run ends when admitted');
  is(server.calls.filter((c) => c === 'GET /status').length, 2, 'the private status is asked only near the front');
  is(server.calls.filter((c) => c === 'GET /now').length, 5, 'far away only the public summary');
  is(slept.length, 5, 'it waits between looks, and after a 503');
  is(JSON.parse(storage.get('queue-1')), { ticket: 'T', pass: 'P' }, 'ticket and pass are kept');
  const again = client(new Server(() => [200, { status: 'ADMITTED', ticketNumber: 5000, ticket: 'T' }]), storage).queue;
  is(again.headers()['x-queue-ticket'], 'T', 'and shown the next time');
}
{
  const server = new Server((name, time) => {
    if (name === 'POST') return [201, { status: 'PRE_QUEUE', ticketNumber: null, lobbyIndex: 3, epoch: 1, ticket: 'T' }];
    if (name === 'GET /now') return [200, { ...open, phase: time < 3 ? 'lobby' : 'open', opensAtMs: 1000, serverTimeMs: 0 }];
    return [200, { status: 'SOLD_OUT', ticketNumber: 3, epoch: 1 }];
  });
  const { queue, slept } = client(server, new Storage());
  is((await queue.run()).status, 'SOLD_OUT', 'sold out ends it');
  is(slept[0] >= 1000 && slept[0] <= 11000, true, 'one look spread over the notice period after the opening');
}
for (const [phase, end] of [['soldout', 'SOLD_OUT'], ['closed', 'CLOSED'], ['none', 'ADMITTED']]) {
  const server = new Server((name, time) => {
    if (name === 'POST') return [201, { status: 'WAITING', ticketNumber: 900000, epoch: 1 }];
    if (name === 'GET /now') return [time < 9 ? 200 : 404, { ...open, phase: time < 3 ? 'open' : phase }];
    return [200, { status: end, ticketNumber: 900000, epoch: 1 }];
  });
  const place = await client(server, new Storage()).queue.run();
  is([place.status, server.calls.filter((c) => c === 'GET /status').length], [end, 1],
    `far from the front it learns of the end, too: ${phase}`);
}
{
  const server = new Server((name, time) => {
    if (name === 'GET /now') return [404, { code: 'concert-not-found' }];
    return [201, { status: 'WAITING', ticketNumber: 1, epoch: 1 }];
  });
  let problem;
  try { await client(server, new Storage()).queue.run(); } catch (error) { problem = error.message; }
  is(problem, 'concert-not-found', 'no summary is an error, too');
}
{
  const server = new Server((name, time) => {
    const work = server.last['x-queue-work'] ?? '';
    const good = work.startsWith('C:') && createHash('sha256').update(work).digest().readUInt16BE(0) < 16;
    return good ? [201, { status: 'ADMITTED', ticketNumber: 0, epoch: 1 }]
      : [428, { code: 'proof-of-work-required', challenge: 'C', bits: 12 }];
  });
  is((await client(server, new Storage()).queue.run()).status, 'ADMITTED', 'it does the work that a join costs');
  is(server.calls, ['POST', 'POST'], 'once');
}
{
  const server = new Server((name, time) => {
    if (name === 'POST') return time === 1 ? [409, { code: 'queue-not-open' }]
      : [201, { status: 'ADMITTED', ticketNumber: 0, epoch: 1 }];
    return [200, { ...open,
      phase: time < 4 ? 'scheduled' : 'lobby', opensAtMs: 90000, serverTimeMs: 30000 * (time - 1) }];
  });
  const { queue, slept } = client(server, new Storage());
  is((await queue.run()).status, 'ADMITTED', 'before the queue opens it waits');
  is(server.calls.join(), 'POST,GET /now,GET /now,GET /now,GET /now,POST', 'looking at the public summary only');
  is(slept.length, 3, 'with pauses');
}
{
  const server = new Server(() => [410, { code: 'queue-closed' }]);
  let problem;
  try { await client(server, new Storage()).queue.run(); } catch (error) { problem = error.message; }
  is(problem, 'queue-closed', 'a refusal is an error with its code');
}
console.log(`1..${checks}`);
process.exit(failed ? 1 : 0);
