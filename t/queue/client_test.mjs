/* web/queue-client.js against a made-up server. Prints TAP. */
const { QueueClient, ahead, drawn, due, pause } = await import(process.env.QUEUE_CLIENT);
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
is(pause(open, 2800, middle), 4.5, 'half of the shortest time the ceiling needs');
is(pause(open, 5000, middle), 10, 'and never later than that');
is(pause(open, 1001, middle), 3, 'nor all the time');
is(pause(open, 10, middle), 1, 'at the front: often');
is(pause(open, 300, middle), 1.5, 'near: a quarter of the expected wait');
is(pause(open, 900, middle), 2, 'but well within a call window');
is(pause({ ...open, speedPerThousandSeconds: null }, 300, middle), 2, 'also if nothing moves');
is(pause({ ...open, serving: 1200 }, 1100, middle), 1, 'called from beyond the ceiling: at once');
is(pause({ ...open, tail: 5000 }, 5000, middle), 2, 'a summary older than the number tells no distance');
is(pause({ ...open, ceiling: 300, gaps: [[200, 5200]] }, 5210, middle), 1.05, 'numbers in a gap are no distance');
is(pause({ ...open, phase: 'lobby', opensAtMs: 200001 }, null, middle), 20, 'lobby: a tenth of what is left');
is(pause(open, 1000000, () => 0), 51, 'with jitter below');
is([19999, 20000].map((ms) => due({ ...open, serverTimeMs: ms }, 999, 0)), [false, true], 'near: each 20 seconds');
is(due({ ...open, serverTimeMs: 90000 }, 1000, 0), false, 'far: never');
is([10, 9].map((number) => due({ ...open, serving: 10 }, number, 0)), [false, true], 'called: at once');
is(due({ ...open, serving: 1200 }, 1100, 0), true, 'also from beyond the ceiling');
const lost = { ...open, phase: 'rebuild', tail: 5000 };
is([10, 4999, 5000].map((number) => due(lost, number, 0)), [true, false, true],
  'after a loss of Redis: at once near the front, and whoever is not known any more');
is(ahead({ ...open, serving: 10, gaps: [[20, 30]] }, 40), 20, 'a gap holds nobody');
is(ahead({ ...open, serving: 25, gaps: [[20, 30]] }, 40), 10, 'nor its rest');
is(ahead({ ...open, serving: 50 }, 40), 0, 'never below zero');

const waiting = (more) => ({ status: 'WAITING', ticketNumber: 7, epoch: 1, ticket: 'T', ...more });
const called = { ...open, serving: 8 };

class Server {
  constructor(script) { this.script = script; this.calls = []; this.ms = 0; }
  fetch = async (path, options = {}) => {
    const name = `${options.method || 'GET'} ${path.replace('/concert/1/queue', '')}`.trim();
    this.calls.push(name);
    this.last = options.headers;
    if (this.calls.length > 99) this.queue.stop();
    const [status, body] = this.script(name, this.calls.filter((c) => c === name).length);
    return { status, ok: status < 400, headers: new Map([['retry-after', '1']]),
      json: async () => (body.serverTimeMs === open.serverTimeMs ? { ...body, serverTimeMs: 1 + this.ms } : body) };
  };
}
function client(server, storage) {
  const slept = [];
  const queue = new QueueClient({ concert: 1, token: 't', fetch: server.fetch, storage,
    sleep: async (ms) => { server.ms += ms; if (slept.push(ms) > 50) throw new Error('it never ends'); } });
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
    if (name === 'POST') return time === 1 ? [503, {}] : [201, { status: 'WAITING', ticketNumber: 9000, epoch: 1, ticket: 'T' }];
    if (name === 'GET /now') return [200, { ...open, serving: time < 5 ? 0 : 9001, ceiling: time < 4 ? 1000 * time : 10000 }];
    return time === 1 ? [200, { status: 'WAITING', ticketNumber: 9000, epoch: 1, ticket: 'T' }]
      : [200, { status: 'ADMITTED', ticketNumber: 9000, epoch: 1, pass: 'P', ticket: 'T' }];
  });
  const storage = new Storage();
  const { queue, slept } = client(server, storage);
  const place = await queue.run();
  is(place.status, 'ADMITTED', 'run ends when admitted');
  is(server.calls.filter((c) => c === 'GET /status').length, 2, 'the private status is asked near the front, and when called');
  is(server.calls.filter((c) => c === 'GET /now').length, 5, 'far away only the public summary');
  is(slept.length, 5, 'it waits between looks, and after a 503');
  is(JSON.parse(storage.get('queue-1')), { ticket: 'T', pass: 'P' }, 'ticket and pass are kept');
  const again = client(new Server(() => [200, { status: 'ADMITTED', ticketNumber: 9000, ticket: 'T' }]), storage).queue;
  is([again.headers()['x-queue-ticket'], again.headers()['x-queue-pass']], ['T', 'P'], 'and both shown the next time');
}
{
  const server = new Server((name, time) => {
    if (name === 'POST') return [201, { status: 'PRE_QUEUE', ticketNumber: null, lobbyIndex: 3, epoch: 1, ticket: 'T' }];
    if (name === 'GET /now') return [200, { ...open, phase: time < 3 ? 'lobby' : 'open', opensAtMs: 1000, serverTimeMs: 0 }];
    return [200, { status: 'SOLD_OUT', ticketNumber: 3, epoch: 1 }];
  });
  const { queue, slept } = client(server, new Storage());
  is((await queue.run()).status, 'SOLD_OUT', 'sold out ends it');
  is(slept[0] >= 1000 && slept[0] <= 9000, true, 'one look spread over the notice period after the opening');
  is(slept[1] <= 5750, true, 'a summary that nginx kept from before it spreads nobody again');
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
{ // a minute near the front
  const asked = [];
  const server = new Server((name) => {
    if (name === 'GET /status') asked.push(server.ms);
    const served = server.ms >= 60000;
    return name === 'POST' ? [201, waiting()] : name === 'GET /now' ? [200, served ? called : open]
      : [200, waiting(served ? { status: 'ADMITTED' } : {})];
  });
  const { queue, slept } = client(server, new Storage());
  queue.sleep = async (ms) => { server.ms += ms; slept.push(ms); };
  server.calls = { push() {}, filter: () => [] };
  is((await queue.run()).status, 'ADMITTED', 'who is near is served');
  is([asked.length, Math.max(...slept) <= 2300], [3, true], 'having said "I am here" each 20 seconds, and looked each second or two');
  is(asked[2] - 60000 < 2300, true, 'and comes soon after the call');
}
for (const status of ['ADMITTED', 'EXPIRED', 'CLOSED', 'SOLD_OUT', 'NOT_IN_QUEUE']) {
  const server = new Server((name) => (name === 'POST' ? [201, waiting()] : name === 'GET /now' ? [200, called]
    : [200, waiting({ status })]));
  is([(await client(server, new Storage()).queue.run()).status, server.calls.length], [status, 3], `${status} is final`);
}
{
  const server = new Server((name, time) => {
    if (name === 'POST') return time === 1 ? [429, {}] : [201, waiting()];
    return name === 'GET /now' ? [200, called] : [200, waiting({ status: 'ADMITTED' })];
  });
  const { queue, slept } = client(server, new Storage());
  is((await queue.run()).status, 'ADMITTED', 'asked too often: it tries again');
  is(slept[0] >= 1000 && slept[0] <= 1500, true, 'after what Retry-After says, and a random part');
}
{ // Redis lost everything: 503 for who shows nothing; ticket and pass are shown with every question
  const shown = [];
  const server = new Server((name, time) => {
    if (name === 'POST') return [201, waiting({ ticket: 'T2', pass: 'P2' })];
    if (name === 'GET /now') return [200, { ...open, phase: 'rebuild' }];
    shown.push([server.last['x-queue-ticket'], server.last['x-queue-pass']]);
    return time === 1 ? [503, {}] : [200, waiting({ status: 'ADMITTED', pass: 'P2' })];
  });
  is((await client(server, new Storage()).queue.run()).status, 'ADMITTED', 'it goes on after a loss');
  is(shown, [['T2', 'P2'], ['T2', 'P2']], 'with ticket and pass shown each time');
}
{
  const phases = ['lobby', 'drawing', 'open', 'open'];
  const server = new Server((name, time) => {
    if (name === 'POST') return [201, { status: 'PRE_QUEUE', ticketNumber: null, lobbyIndex: 3, epoch: 1, ticket: 'T' }];
    if (name === 'GET /now') return [200, { ...open, serving: time < 4 ? 0 : 6, phase: phases[time - 1], opensAtMs: 100000, serverTimeMs: time < 2 ? 0 : 100001 }];
    return [200, time === 1 ? waiting({ ticketNumber: 5 }) : waiting({ status: 'ADMITTED' })];
  });
  const { queue } = client(server, new Storage());
  await queue.run();
  is(server.calls, ['POST ', 'GET /now', 'GET /now', 'GET /now', 'GET /status', 'GET /now', 'GET /status'].map((c) => c.trim()),
    'nobody is asked for numbers while they are drawn; then once, and again when called');
}
{ // a million in the lobby: nobody asks the workers for a number that follows from the public draw
  const seed = 'ab'.repeat(32);
  is(await Promise.all([0, 3, 999999].map((i) => drawn(i, 1000000, seed))), [937118, 865854, 410220], 'the draw is the specified one');
  is(await drawn(0, 1, seed), 0, 'also of one member');
  const summary = { ...open, seed, lobby: 1000000, opensAtMs: 1 };
  const server = new Server((name, time) => {
    if (name === 'POST') return [201, { status: 'PRE_QUEUE', ticketNumber: null, lobbyIndex: 3, epoch: 1, ticket: 'T' }];
    if (name === 'GET /now') return [200, { ...summary, serving: (time - 1) * 100000, ceiling: (time - 1) * 100000 + 1000 }];
    return [200, waiting({ status: 'ADMITTED' })];
  });
  const { queue } = client(server, new Storage());
  const places = [];
  queue.onChange = (place) => places.push(place.position);
  await queue.run();
  is(server.calls.indexOf('GET /status'), 1 + Math.ceil((865854 - 1000) / 100000) + 1, 'the status is asked only near the front');
  is(places[1], 865854 + 1, 'with the position at once');
  const last = new Server((name) => (name === 'POST' ? [201, { status: 'PRE_QUEUE', ticketNumber: null, lobbyIndex: 3, epoch: 1 }]
    : name === 'GET /now' ? [200, { ...summary, lobby: 4 }] : [200, waiting({ status: 'ADMITTED' })]));
  await client(last, new Storage()).queue.run();
  is(last.calls, ['POST', 'GET /now', 'GET /status'], 'who is drawn to the front says so at once, however short the lobby was');
  const undrawn = new Server((name) => (name === 'POST'
    ? [201, { status: 'PRE_QUEUE', ticketNumber: null, lobbyIndex: 3, epoch: 1 }]
    : name === 'GET /now' ? [200, { ...summary, lobby: 3 }] : [200, waiting({ status: 'NOT_IN_QUEUE' })]));
  is((await client(undrawn, new Storage()).queue.run()).status, 'NOT_IN_QUEUE', 'whoever was not drawn asks');
}
{ // a gap of 200,000 numbers between the front and us, then behind us: always near
  const gap = { ...open, serving: 4, ceiling: 44, gaps: [[15, 200015]] };
  const server = new Server((name, time) => {
    if (name === 'POST') return [201, waiting({ ticketNumber: 200017 })];
    if (name === 'GET /now') return [200, server.ms < 25000 ? gap : { ...gap, serving: 200018, ceiling: 200044 }];
    return [200, waiting({ ticketNumber: 200017, status: time < 2 ? 'WAITING' : 'ADMITTED' })];
  });
  const places = [];
  const { queue, slept } = client(server, new Storage());
  queue.onChange = (place) => places.push(place.status);
  await queue.run();
  is([server.calls.filter((c) => c === 'GET /status').length, Math.max(...slept) <= 2300], [2, true],
    'numbers in a gap keep nobody away from saying "I am here"');
  is(places.at(-1), 'ADMITTED', 'and whoever shows it to people is told');
}
{
  const server = new Server((name) => (name === 'POST' ? [201, waiting({ ticketNumber: 1e6 })]
    : name === 'GET /now' ? [200, { ...open, epoch: 2 }]
    : [200, waiting({ status: 'NOT_IN_QUEUE', epoch: 2 })]));
  is((await client(server, new Storage()).queue.run()).status, 'NOT_IN_QUEUE', 'a reset is noticed');
}
{
  let broken = 2;
  const server = new Server((name) => (name === 'DELETE' ? [204, {}] : [201, waiting({ status: 'ADMITTED' })]));
  const storage = new Storage();
  const { queue } = client({ fetch: (...args) => (broken-- > 0 ? Promise.reject(new Error('offline')) : server.fetch(...args)) }, storage);
  is((await queue.run()).status, 'ADMITTED', 'a broken connection is tried again');
  await queue.leave();
  is([server.calls.at(-1), storage.size], ['DELETE', 0], 'leaving gives the place back and forgets the papers');
}
{
  const server = new Server((name) => (name === 'POST' ? [201, waiting({ ticketNumber: 1e6 })] : [200, open]));
  const { queue } = client(server, new Storage());
  queue.sleep = async () => queue.stop();
  let ended;
  try { await queue.run(); } catch (error) { ended = error.message; }
  is([ended, server.calls.length], ['stopped', 2], 'stop ends it at the next look');
}
console.log(`1..${checks}`);
process.exit(failed ? 1 : 0);
