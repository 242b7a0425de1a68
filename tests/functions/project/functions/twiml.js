exports.handler = (context, event, callback) => {
  const twiml = new Twilio.twiml.VoiceResponse();
  twiml.say(`Hello ${event.From}`);
  callback(null, twiml);
};
