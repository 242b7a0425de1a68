// The first answer to a call.
exports.handler = function (context, event, callback) {
  const twiml = new Twilio.twiml.VoiceResponse();
  twiml.gather({ numDigits: 1, action: '/keys' }).say('Press 1 for our opening hours.');
  callback(null, twiml);
};
