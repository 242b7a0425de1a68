// Verdicts of the `twilio` package of npm, one request per line of JSON.
"use strict";
const { createRequire } = require("module");
const querystring = require("querystring");
const readline = require("readline");
const twilio = createRequire(process.cwd() + "/")("twilio/lib/webhooks/webhooks");

const FORM = "application/x-www-form-urlencoded";

function params(request) {
  const form = (request.content_type || "").toLowerCase().startsWith(FORM);
  if (request.method === "GET" || !form) return {};
  return querystring.parse(request.body, "&", "=", { maxKeys: 1000 });
}

function direct(request, url) {
  const form = (request.content_type || "").toLowerCase().startsWith(FORM);
  const { token, signature } = request;
  if (request.method === "GET" || form) {
    return twilio.validateRequest(token, signature, url, params(request));
  }
  return twilio.validateRequestWithBody(token, signature, url, request.body);
}

function express(request, url) {
  const fields = { "X-Twilio-Signature": request.signature };
  return twilio.validateExpressRequest(
    { header: (name) => fields[name], body: params(request), rawBody: request.body },
    request.token,
    { url },
  );
}

// Whether the signature fits the URL only after Node has written the URL anew.
function fitsRewritten(request, url, signed) {
  const normalized = new URL(url).toString();
  const urls = [normalized, withPort(normalized), withoutPort(normalized)];
  const fits = (candidate) =>
    twilio.getExpectedTwilioSignature(request.token, candidate, signed) === request.signature;
  const literal = [url, withPort(url), withoutPort(url)];
  return !literal.some(fits) && [...urls, ...urls.map(withLegacyQuery)].some(fits);
}

function withLegacyQuery(url) {
  const query = url.indexOf("?");
  if (query === -1) return url;
  return url.slice(0, query + 1) + querystring.stringify(querystring.parse(url.slice(query + 1)));
}

const HOST = /^(\w+:\/\/(?:[^/?#]*@)?(?:\[[^\]]*\]|[^:/?#]*))(?::\d+)?/;

function withPort(url) {
  return url.replace(HOST, (_, host) => host + (url.startsWith("https") ? ":443" : ":80"));
}

function withoutPort(url) {
  return url.replace(HOST, (_, host) => host);
}

const check = process.argv[2] === "express" ? express : direct;
const out = [];
readline
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    const request = JSON.parse(line);
    const url = request.public_url + request.target;
    try {
      if (!check(request, url)) return out.push("refused");
      out.push(fitsRewritten(request, url, params(request)) ? "accepted rewritten" : "accepted");
    } catch (error) {
      out.push(`raised ${error.name}`);
    }
  })
  .on("close", () => process.stdout.write(out.join("\n") + "\n"));
