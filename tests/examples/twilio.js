'use strict';
// Stands in for the package `twilio`: as much of it as the examples and pages use. It checks
// signatures as the package does, so that the test proves those that the gateway makes.
const crypto = require('crypto');

const escape = (text) =>
  String(text).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;');

class Verb {
  constructor(name) { Object.assign(this, { name, attributes: {}, children: [] }); }
  add(name, attributes, text) {
    const verb = Object.assign(new Verb(name), { attributes, text });
    this.children.push(verb);
    return verb;
  }
  say(text) { return this.add('Say', {}, text); }
  gather(attributes) { return this.add('Gather', attributes); }
  redirect(url) { return this.add('Redirect', {}, url); }
  hangup() { return this.add('Hangup', {}); }
  message(text) { return this.add('Message', {}, text); }
  toString() {
    const attributes = Object.entries(this.attributes).map(([name, value]) => ` ${name}="${escape(value)}"`);
    const content = this.children.join('') + escape(this.text ?? '');
    return `<${this.name}${attributes.join('')}>${content}</${this.name}>`;
  }
}
class VoiceResponse extends Verb { constructor() { super('Response'); } }
class MessagingResponse extends VoiceResponse {}

const webhook = () => (req, res, next) => {
  const parameters = Object.keys(req.body).sort().map((name) => name + req.body[name]);
  const signed = `${req.protocol}://${req.headers.host}${req.originalUrl}${parameters.join('')}`;
  const key = process.env.TWILIO_AUTH_TOKEN;
  const expected = crypto.createHmac('sha1', key).update(signed).digest('base64');
  return req.headers['x-twilio-signature'] === expected ? next() : res.status(403).send('');
};

module.exports = { twiml: { VoiceResponse, MessagingResponse }, webhook };
