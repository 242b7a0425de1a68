exports.handler = (context, event, callback) => {
  const twiml = new Twilio.twiml.VoiceResponse();
  twiml.enqueue({ waitUrl: 'hold-music' }, 'support').task({ priority: 5 }, '{"a":"<b>"}');
  twiml.record({ maxLength: 30, transcribe: true });
  twiml.say('a').break({ strength: 'weak' });
  twiml.connect().stream({ url: 'wss://example.com/' }).parameter({ name: 'n', value: 'v"w' });
  twiml.pause({ length: 2 });
  twiml.comment('a comment');
  twiml.reject({ reason: 'busy' });
  callback(null, twiml);
};
