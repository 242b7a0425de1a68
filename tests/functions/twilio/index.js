'use strict';
// Stands in for the package `twilio`, so that the tests need no network: as much of it as the
// functions of the tests use. `tests/differential/functions/run` takes the real one.

const escape = (text) => String(text).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

class TwiML {
  constructor() { this.verbs = []; }
  add(name, text) { this.verbs.push(`<${name}>${escape(text)}</${name}>`); return this; }
  say(text) { return this.add('Say', text); }
  play(url) { return this.add('Play', url); }
  message(text) { return this.add('Message', text); }
  redirect(url) { return this.add('Redirect', url); }
  toString() {
    const head = '<?xml version="1.0" encoding="UTF-8"?>';
    return head + (this.verbs.length ? `<Response>${this.verbs.join('')}</Response>` : '<Response/>');
  }
}
class VoiceResponse extends TwiML {}
class MessagingResponse extends TwiML {}

class Client {
  constructor(username, password, options) {
    Object.assign(this, { username, password, options, accountSid: username });
  }
}

const twilio = (...values) => new Client(...values);
module.exports = Object.assign(twilio, { Twilio: Client, twiml: { VoiceResponse, MessagingResponse } });
