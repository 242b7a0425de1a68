exports.handler = (context, event, callback) => {
  const twiml = new Twilio.twiml.MessagingResponse();
  twiml.message(`You said ${event.Body} & more`);
  return callback(null, twiml);
};
