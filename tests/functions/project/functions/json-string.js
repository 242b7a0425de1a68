exports.handler = (context, event, callback) => {
  const response = new Twilio.Response();
  response.appendHeader('Content-Type', 'application/json').setBody('{"as":"it is"}');
  callback(null, response);
};
