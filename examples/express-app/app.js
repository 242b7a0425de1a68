// A shop's hotline and its answers to messages: an ordinary application with Express and the
// package `twilio`. Nothing in it is for the gateway but the line `trust proxy`.
const express = require('express');
const twilio = require('twilio');

const { VoiceResponse, MessagingResponse } = twilio.twiml;
const app = express();
// `req.protocol` is that of the public URL, which the signature covers.
app.set('trust proxy', 'loopback');
app.use(express.urlencoded({ extended: false }));
// Answers 403 to requests without a valid signature; the token is that of TWILIO_AUTH_TOKEN.
app.use(twilio.webhook());

const orders = { 42: 'is on its way', 43: 'waits for its payment' };
const answer = (res, twiml) => res.type('text/xml').send(twiml.toString());

app.post('/voice', (req, res) => {
  const twiml = new VoiceResponse();
  const gather = twiml.gather({ numDigits: 1, action: '/menu' });
  gather.say('Welcome to the shop. For opening hours press 1, for your order press 2.');
  answer(res, twiml);
});

app.post('/menu', (req, res) => {
  const twiml = new VoiceResponse();
  if (req.body.Digits === '1') {
    twiml.say('We are open from nine to six.');
  } else if (req.body.Digits === '2') {
    // The cookie comes back with the next request of the call.
    res.cookie('topic', 'order');
    const gather = twiml.gather({ finishOnKey: '#', action: '/order' });
    gather.say('Type the number of your order and then hash.');
  } else {
    twiml.redirect('/voice');
  }
  answer(res, twiml);
});

app.post('/order', (req, res) => {
  const twiml = new VoiceResponse();
  const number = req.body.Digits;
  const topic = (req.headers.cookie ?? '').includes('topic=order') ? 'Order' : 'Number';
  twiml.say(`${topic} ${number} ${orders[number] ?? 'is not one of ours'}.`);
  twiml.hangup();
  answer(res, twiml);
});

app.post('/sms', (req, res) => {
  const twiml = new MessagingResponse();
  twiml.message(`You wrote "${req.body.Body}". Please call us about an order.`);
  answer(res, twiml);
});

const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
