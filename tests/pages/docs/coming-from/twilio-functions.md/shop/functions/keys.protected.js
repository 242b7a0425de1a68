// What a caller has chosen.
exports.handler = function (context, event, callback) {
  const twiml = new Twilio.twiml.VoiceResponse();
  twiml.say(event.Digits === '1' ? `We are open ${context.HOURS}.` : 'Goodbye.');
  callback(null, twiml);
};
