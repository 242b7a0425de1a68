// --- the code of functions ------------------------------------------------------------------

const handlers = new Map();
const LOADS_FILES = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;

/** A function whose code is in the configuration: the body of `async (context, event) => …`. */
function compileCode(name, code) {
  const filename = `[function.${name}] code`;
  const head = '(async function (context, event, require, module, exports) {';
  const options = { filename, columnOffset: -head.length, importModuleDynamically: LOADS_FILES };
  const body = new vm.Script(`${head}${code}\n})`, options).runInThisContext();
  return async (context, event, callback) => {
    const module = { exports: {} };
    const result = await body(context, event, project.require, module, module.exports);
    if (typeof module.exports.handler !== 'function') return callback(null, result);
    return module.exports.handler(context, event, callback);
  };
}

async function load(file) {
  let loaded;
  try {
    loaded = project.require(file);
  } catch (error) {
    const isModule = error?.code === 'ERR_REQUIRE_ESM' || error?.code === 'ERR_REQUIRE_ASYNC_MODULE'
      || /Cannot use import statement|Unexpected token 'export'/.test(error?.message);
    if (!isModule) throw error;
    loaded = await import(pathToFileURL(file));
  }
  const handler = loaded.handler ?? loaded.default?.handler;
  if (typeof handler === 'function') return handler;
  throw new Error(`${file} has no function \`handler\`: write \`exports.handler = …\``);
}

async function findHandler({ file, code }) {
  const key = file ?? `code:${code}`;
  let handler = handlers.get(key);
  if (!handler) {
    handler = file ? await load(file) : compileCode(code, project.code[code]);
    handlers.set(key, handler);
    // Packages may add to what all share when they are loaded.
    shared = captureShared();
  }
  return handler;
}

async function init(given) {
  project = given;
  project.require = createRequire(path.join(project.base, 'package.json'));
  process.chdir(project.base);
  Object.assign(process.env, project.env);
  defineGlobals();
  // Whatever fails here fails again in the call that needs it, which then says so.
  if (project.twilio) try { twilio(); } catch { /* See above. */ }
  for (const file of project.preload) {
    try { await findHandler({ file }); } catch { /* See above. */ }
  }
  shared = captureShared();
  send({ ready: true });
}

// --- one call -------------------------------------------------------------------------------

// What all code of a process shares. A call that changes it changes the calls after it, which may
// be of other functions. It is compared twice a call, so this is what mistakes and attacks change.
let shared;

function captureShared() {
  const { stringify: write, parse: read } = JSON;
  const { then } = Promise.prototype;
  const { hasOwnProperty, toString } = Object.prototype;
  const { map, push, forEach } = Array.prototype;
  return { names: countShared(), write, read, then, hasOwnProperty, toString, map, push, forEach };
}

/** Enumerable properties of the prototypes of every object and array: usually none. */
function countShared() {
  let count = 0;
  for (const name in NO_ITEMS) count += name.length;
  return count;
}

const NO_ITEMS = [];

function isSharedChanged() {
  return countShared() !== shared.names
    || JSON.stringify !== shared.write || JSON.parse !== shared.read
    || Promise.prototype.then !== shared.then
    || Object.prototype.hasOwnProperty !== shared.hasOwnProperty
    || Object.prototype.toString !== shared.toString
    || Array.prototype.map !== shared.map || Array.prototype.push !== shared.push
    || Array.prototype.forEach !== shared.forEach;
}

function begin(call) {
  project.lines = 0;
  if (isSharedChanged()) taint();
  current.run(call, () => { run(call).catch((error) => fail(call, error)); });
}

async function run(call) {
  // Most handlers are known: then there is no wait before the call.
  const handler = handlers.get(call.file) ?? await findHandler(call);
  const callback = (error, result) => {
    if (call.ended) return;
    if (error) return fail(call, error);
    try { succeed(call, result); } catch (problem) { fail(call, problem); }
  };
  let event;
  try { event = makeEvent(call); } catch (error) {
    if (error instanceof BodyError) return end(call, BAD_REQUEST);
    throw error;
  }
  await handler(makeContext(call), event, callback);
}

function end(call, answer) {
  if (call.ended) return;
  call.ended = true;
  tainted ||= isSharedChanged();
  const text = stringify({ id: call.id, ...answer, tainted });
  if (Buffer.byteLength(text) <= FRAME_BYTES_MAX) return writeText(text);
  log('error', `an answer of more than ${FRAME_BYTES_MAX} bytes`, call);
  send({ id: call.id, ...FAILED, tainted });
}

// The stack is for the log: an answer may reach a stranger.
const FAILED = {
  status: 500,
  failed: true,
  headers: [['Content-Type', 'application/json; charset=utf-8']],
  body: '{"message":"The function failed; the log says why.","name":"Error"}',
};

// A mistake of the client, and not of the function.
const BAD_REQUEST = {
  status: 400,
  headers: [['Content-Type', 'application/json; charset=utf-8']],
  body: '{"message":"The body is not a JSON object.","name":"SyntaxError"}',
};

function fail(call, error) {
  const hasStack = error !== null && typeof error === 'object' && typeof error.stack === 'string';
  log('error', hasStack ? error.stack : util.format(error), call);
  end(call, FAILED);
}

const TWIML = new Set(['VoiceResponse', 'MessagingResponse', 'FaxResponse']);

/** By the name of the class, because a project may have several copies of the package. */
function isTwiml(value) {
  return TWIML.has(value.constructor?.name) && typeof value.toString === 'function';
}

function succeed(call, result) {
  if (typeof result === 'string') return reply(call, 200, 'text/plain', result);
  if (result === undefined || result === null) return reply(call, 200, 'application/json', '');
  if (result instanceof Response) return respond(call, result);
  if (isTwiml(result)) return reply(call, 200, 'text/xml', result.toString());
  return reply(call, 200, 'application/json', stringify(result));
}

function reply(call, status, type, body) {
  end(call, { status, headers: [['Content-Type', `${type}; charset=utf-8`]], body });
}

/** As Express sends a `Twilio.Response`. */
function respond(call, response) {
  const headers = [];
  let type;
  for (const [name, value] of Object.entries(response.headers)) {
    const isType = name.toLowerCase() === 'content-type';
    if (isType) type = withCharset(String([value].flat()[0]));
    else for (const one of [value].flat()) headers.push([name, String(one)]);
  }
  let { body } = response;
  let binary;
  let implied;
  if (Buffer.isBuffer(body)) {
    binary = true;
    body = body.toString('base64');
    implied = 'application/octet-stream';
  } else if (typeof body === 'string') {
    implied = 'text/html; charset=utf-8';
  } else if (body === null || body === undefined) {
    body = type?.startsWith('application/json') && body === null ? 'null' : '';
  } else {
    body = stringify(body);
    implied = 'application/json; charset=utf-8';
  }
  const status = Number(response.statusCode);
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new Error(`${response.statusCode} is not a status of HTTP, expected 200 to 599`);
  }
  type ??= implied;
  if (type) headers.push(['Content-Type', type]);
  end(call, { status, headers, body, binary });
}

function withCharset(type) {
  const isText = /^\s*(text\/|application\/(json|javascript|xml)\s*(;|$))/i.test(type);
  return isText && !/;\s*charset\s*=/i.test(type) ? `${type}; charset=utf-8` : type;
}

// --- what escapes a handler -----------------------------------------------------------------

/** The process is replaced: after the call in progress, if another one caused it. */
function taint() {
  if (tainted) return;
  tainted = true;
  send({ tainted });
}

process.on('uncaughtException', (error) => {
  const call = current.getStore();
  taint();
  // Without a call it is the work of one that ended; the one in progress is not to blame.
  if (call && !call.ended) return fail(call, error);
  log('error', error?.stack ?? util.format(error), call);
});

process.exit = process.abort = process.reallyExit = (code) => {
  const call = current.getStore();
  taint();
  const error = new Error(`the function ended its process (${code ?? process.exitCode ?? 0})`);
  if (call && !call.ended) fail(call, error);
  // The gateway ends the process. It may have sent the next call, which is still made.
  // What follows `process.exit()` must not run.
  throw error;
};
