'use strict';
// Stands in for the package `express`, so that the tests need no network: as much of it as
// examples/express-app uses. `tests/suite/examples.rs` takes the real one where it is installed.
const http = require('http');

class Response {
  constructor(raw) {
    this.raw = raw;
    raw.statusCode = 200;
  }
  type(value) { this.raw.setHeader('Content-Type', `${value}; charset=utf-8`); return this; }
  status(code) { this.raw.statusCode = code; return this; }
  cookie(name, value) { this.raw.appendHeader('Set-Cookie', `${name}=${value}; Path=/`); return this; }
  send(text) { this.raw.end(text); return this; }
}

function express() {
  const layers = [];
  const handle = async (raw, out) => {
    const req = { method: raw.method, url: raw.url, originalUrl: raw.url, headers: raw.headers };
    // As with `trust proxy` for the loopback address.
    req.protocol = raw.headers['x-forwarded-proto'] ?? 'http';
    req.raw = raw;
    const res = new Response(out);
    const path = raw.url.split('?')[0];
    const layersHere = layers.filter((layer) => !layer.path || (layer.path === path && raw.method === 'POST'));
    const next = (index) => layersHere[index] ? layersHere[index].run(req, res, () => next(index + 1)) : res.status(404).send('');
    next(0);
  };
  return {
    set() {},
    use(run) { layers.push({ run }); },
    post(path, run) { layers.push({ path, run }); },
    listen(port, host, ready) { return http.createServer(handle).listen(port, host, ready); },
  };
}

express.urlencoded = () => async (req, res, next) => {
  let body = '';
  for await (const chunk of req.raw) body += chunk;
  req.body = Object.fromEntries(new URLSearchParams(body));
  next();
};

module.exports = express;
