exports.handler = (context, event, callback) => {
  const response = new Twilio.Response({ statusCode: 403, body: 'no' });
  callback(null, response);
};
