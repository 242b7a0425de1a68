const crypto = require('node:crypto');
const { promisify } = require('util');
const { Readable } = require('stream');
const zlib = require('zlib');

exports.handler = async (context, event, callback) => {
  const chunks = [];
  for await (const chunk of Readable.from(['a', 'b'])) chunks.push(chunk);
  await promisify(setTimeout)(1);
  const { setTimeout: wait } = await import('node:timers/promises');
  callback(null, {
    chunks,
    hmac: crypto.createHmac('sha1', context.AUTH_TOKEN).update('é').digest('base64'),
    uuid: crypto.randomUUID().length,
    url: new URL('/a?b=c d', 'https://example.com').href,
    search: new URLSearchParams({ a: '1 2' }).toString(),
    waited: await wait(1, 'waited'),
    unzipped: zlib.gunzipSync(zlib.gzipSync('zip')).toString(),
    cloned: structuredClone({ d: new Date(0) }),
    encoded: [...new TextEncoder().encode('é')],
    date: new Date(0).toLocaleString('en-US', { timeZone: 'America/New_York' }),
    aborted: AbortSignal.abort().aborted,
    blob: await new Blob(['x']).text(),
    queued: await new Promise((resolve) => queueMicrotask(() => resolve('queued'))),
  });
};
