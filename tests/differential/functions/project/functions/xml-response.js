exports.handler = (context, event, callback) => {
  const twiml = new Twilio.twiml.MessagingResponse().message('by a response');
  const response = new Twilio.Response();
  response.appendHeader('content-type', 'text/xml');
  response.setBody(twiml.toString());
  callback(null, response);
};
