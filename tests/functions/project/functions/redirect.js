exports.handler = (context, event, callback) => {
  const response = new Twilio.Response();
  response.setStatusCode(302).appendHeader('Location', '/text');
  callback(null, response);
};
