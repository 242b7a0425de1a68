// A function as Twilio runs it: what it passes to `callback` is its answer. An object becomes
// JSON, which is a variable of the flow; a Twilio.twiml.VoiceResponse would go to the caller.
exports.handler = (context, event, callback) => {
  const weekend = [0, 6].includes(new Date().getDay());
  callback(null, weekend ? { opens: '10', closes: '14' } : { opens: '9', closes: '17' });
};
