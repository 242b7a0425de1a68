// Express with the official package, as its documentation shows it: the signature is checked, the
// function is called, and its TwiML goes back. `node server.js PORT FUNCTION_URL undici|fetch`

'use strict';

const express = require('express');
const twilio = require('twilio');
const { Pool } = require('undici');

const [port, functionUrl, client] = process.argv.slice(2);
const callFunction = { undici: withUndici(new URL(functionUrl)), fetch: withFetch }[client];

const app = express();
app.use(express.urlencoded({ extended: false }));
// TLS ends at a proxy in front, so the signed URL is not the one that arrives here.
const signed = { protocol: 'https', host: 'phone.example.com' };
app.use(twilio.webhook(process.env.TWILIO_AUTH_TOKEN, signed));
app.post('/voice', async (request, response) => {
  const form = new URLSearchParams(request.body).toString();
  response.type('text/xml').send(await callFunction(form));
});
app.listen(Number(port), '127.0.0.1');

function withUndici(url) {
  const pool = new Pool(url.origin, { connections: 64 });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return async (body) => {
    const answer = await pool.request({ path: url.pathname, method: 'POST', headers, body });
    return answer.body.text();
  };
}

async function withFetch(body) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await fetch(functionUrl, { method: 'POST', headers, body });
  return answer.text();
}
