exports.handler = async (context, event, callback) => {
  const twiml = new Twilio.twiml.MessagingResponse();
  const message = twiml.message({ to: '+15550111' });
  message.body(`${event.From}: ${event.Body}`);
  message.media('https://example.com/a.png?x=1&y=2');
  return callback(null, twiml);
};
