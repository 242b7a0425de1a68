// --- what a function sees -------------------------------------------------------------------

const COOKIE = 'Set-Cookie';

class Response {
  constructor(options) {
    this.body = options?.body || null;
    this.statusCode = options?.statusCode || 200;
    this.headers = options?.headers || {};
    const cookies = this.headers[COOKIE];
    this.headers[COOKIE] = cookies === undefined ? [] : [cookies].flat();
  }

  setStatusCode(code) {
    this.statusCode = code;
    return this;
  }

  setBody(body) {
    this.body = body;
    return this;
  }

  setHeaders(headers) {
    if (typeof headers !== 'object') return this;
    this.headers = {};
    for (const name in headers) this.appendHeader(name, headers[name]);
    return this;
  }

  appendHeader(name, value) {
    if (typeof value === 'object' && !Array.isArray(value)) {
      throw new Error('Header value cannot be an object');
    }
    const key = name.toLowerCase() === 'set-cookie' ? COOKIE : name;
    const old = this.headers[key];
    if (old) this.headers[key] = [old, value].flat();
    else this.headers[key] = key === COOKIE ? [value].flat() : value;
    this.headers[COOKIE] ??= [];
    return this;
  }

  setCookie(name, value, attributes = []) {
    return this.appendHeader(COOKIE, [`${name}=${value}`, ...attributes].join(';'));
  }

  removeCookie(name) {
    const isOther = (it) => typeof it === 'string' && !it.startsWith(`${name}=`);
    this.headers[COOKIE] = [this.headers[COOKIE]].flat().filter(isOther);
    this.headers[COOKIE].push(`${name}=;Max-Age=0`);
    return this;
  }
}

let twilioPackage;
function twilio() {
  return (twilioPackage ??= project.require('twilio'));
}

function credentials(user) {
  const { ACCOUNT_SID: sid, AUTH_TOKEN: token } = project.env;
  const wrong = (text) => {
    const advice = 'set ACCOUNT_SID and AUTH_TOKEN in the project\'s .env';
    return Object.assign(new Error(`${text}, which ${user} needs: ${advice}`), {
      name: 'INVALID_CONFIG',
    });
  };
  if (!sid) throw wrong('ACCOUNT_SID is missing');
  if (sid.length !== 34 || !sid.startsWith('AC')) throw wrong('ACCOUNT_SID is not AC and 32 digits');
  if (!token) throw wrong('AUTH_TOKEN is missing');
  return [sid, token];
}

/** A global that is made when it is first used: the `twilio` package takes a quarter of a second. */
function lazyGlobal(name, make) {
  let value;
  Object.defineProperty(globalThis, name, {
    configurable: true,
    get: () => (value ??= make()),
    set: (replacement) => { value = replacement; },
  });
}

function defineGlobals() {
  const functions = {};
  const assets = {};
  for (const it of project.functions) functions[it.path.slice(1)] = { path: it.file };
  for (const it of project.assets) {
    assets[it.path] = { path: it.file, open: () => fs.readFileSync(it.file, 'utf8') };
  }
  globalThis.Runtime = {
    getFunctions: () => ({ ...functions }),
    getAssets: () => ({ ...assets }),
    getSync(options) {
      const { serviceName = 'default', ...rest } = { lazyLoading: true, ...options };
      const client = twilio()(...credentials('Runtime.getSync()'), rest);
      const service = client.sync.v1.services(serviceName);
      service.maps = service.syncMaps;
      service.lists = service.syncLists;
      return service;
    },
  };
  globalThis.Functions = globalThis.Runtime.getFunctions();
  globalThis.Response = Response;
  lazyGlobal('Twilio', () => Object.assign({}, twilio(), { Response }));
  const lazily = { lazyLoading: true };
  lazyGlobal('twilioClient', () => {
    const { ACCOUNT_SID: sid, AUTH_TOKEN: token } = project.env;
    return sid && token ? new (twilio().Twilio)(...credentials('twilioClient'), lazily) : undefined;
  });
}

function makeContext(call) {
  const client = (options) =>
    twilio()(...credentials('context.getTwilioClient()'), { lazyLoading: true, ...options });
  return {
    PATH: call.path,
    DOMAIN_NAME: project.domain,
    SERVICE_SID: undefined,
    ENVIRONMENT_SID: undefined,
    ...project.env,
    getTwilioClient: client,
  };
}

// Twilio leaves these out of `event.request.headers`.
const HIDDEN = new Set(['via', 'referer', 'transfer-encoding', 'proxy-authorization',
  'proxy-authenticate', 'x-real-ip', 'connection', 'proxy-connection', 'expect', 'trailer',
  'upgrade']);
const HIDDEN_PREFIX = /^(i-twilio-|i-t-|ot-|x-amz|x-forwarded-|x-accel-)/;

function readCookies(header, cookies) {
  for (const part of header.split(';')) {
    const at = part.indexOf('=');
    const name = part.slice(0, at).trim();
    if (at < 0 || Object.hasOwn(cookies, name)) continue;
    let text = part.slice(at + 1).trim();
    if (text.startsWith('"')) text = text.slice(1, -1);
    try { text = decodeURIComponent(text); } catch { /* It stays as it came. */ }
    cookies[name] = text;
    // As Express writes an object.
    if (text.startsWith('j:')) try { cookies[name] = parseJson(text.slice(2)); } catch { /* Text. */ }
  }
}

function makeRequest(list) {
  const headers = {};
  const cookies = {};
  for (const [name, value] of list) {
    if (name === 'cookie') readCookies(value, cookies);
    if (HIDDEN.has(name) || HIDDEN_PREFIX.test(name)) continue;
    const old = headers[name];
    headers[name] = old === undefined ? value : [old, value].flat();
  }
  return { headers, cookies };
}

class BodyError extends Error {}

/** A body as Express reads it: an object or a list. */
function readJson(text) {
  let body;
  try { body = parseJson(text); } catch { /* Below. */ }
  if (!isObject(body)) throw new BodyError('the body is not a JSON object');
  return body;
}

function makeEvent(call) {
  return {
    request: makeRequest(call.headers),
    ...(call.query && parseQuery(call.query)),
    ...(call.form && querystring.parse(call.form)),
    ...(call.json && readJson(call.json)),
  };
}
